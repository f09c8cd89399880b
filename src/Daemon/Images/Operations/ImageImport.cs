using System.Globalization;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Streams;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Makes an image of one layer from the archive of a root filesystem (golden 023, 027, 029).</summary>
internal sealed class ImageImport(ImageStore store, ImageEvents events, HttpClient http, string engineVersion)
{
    /// <summary>Everything that can be said against the request is said before its archive is read.</summary>
    public async Task RunAsync(Job job, ImageImportRequest request, CancellationToken cancellation)
    {
        var name = ImageReference.ForTagging(request.Repository, request.Tag);
        var platform = request.Platform.Length > 0 ? Platforms.Parse(request.Platform) : Platforms.Host;
        if (platform.Os != Platforms.Host.Os) throw EngineException.InvalidParameter("operating system is not supported");
        var config = ConfigChanges.Apply(new ContainerConfig(), request.Changes);

        using var pending = store.Layers.Begin();
        if (request.Source == "-") await UnpackAsync(pending, job.Input, null, cancellation).ConfigureAwait(false);
        else await DownloadAsync(pending, job.Output, request.Source, cancellation).ConfigureAwait(false);
        await store.Layers.SyncAsync(cancellation).ConfigureAwait(false);

        string comment = request.Message.Length > 0 ? request.Message : $"Imported from {request.Source}";
        var image = await AddAsync(pending, Describe(config, platform, comment), name, cancellation).ConfigureAwait(false);
        if (name is not null) events.Publish("tag", image, name.Familiar);
        events.Publish("import", image);
        job.Output.ContentType = "application/json";
        await ProgressLines.WriteAsync(job.Output, new ProgressMessage { Status = image.Id }, cancellation).ConfigureAwait(false);
    }

    private async Task<Image> AddAsync(PendingLayer pending, ImageDocument document, ImageReference? name, CancellationToken cancellation)
    {
        document.RootFs = new ImageDocumentRootFs { DiffIds = [pending.Diff.ToString()] };
        byte[] configuration = JsonSerializer.SerializeToUtf8Bytes(document, WireJson.TypeInfo<ImageDocument>());
        try
        {
            using var lease = await store.ChangeAsync(() => Task.FromResult(store.Layers.Install(pending, null)), cancellation).ConfigureAwait(false);
            var added = await store.AddAsync(configuration, null, [lease.Layer], name is null ? [] : [name], cancellation).ConfigureAwait(false);
            return added.Image;
        }
        catch
        {
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private ImageDocument Describe(ContainerConfig config, OciPlatform platform, string comment)
    {
        string now = WireTime.Format(DateTimeOffset.UtcNow);
        return new ImageDocument
        {
            Architecture = platform.Architecture,
            Variant = platform.Variant,
            Os = platform.Os,
            Comment = comment,
            Config = config,
            ContainerConfig = new ContainerConfig(),
            Created = now,
            DockerVersion = engineVersion,
            History = [new ImageDocumentHistory { Created = now, Comment = comment }],
        };
    }

    private static Task UnpackAsync(PendingLayer pending, Stream archive, Action<long>? advanced, CancellationToken cancellation) =>
        StreamPump.RunAsync(archive, pending.UnpackAsync, advanced, cancellation);

    private async Task DownloadAsync(PendingLayer pending, JobOutput output, string source, CancellationToken cancellation)
    {
        string url = source.Contains("://", StringComparison.Ordinal) ? source : "http://" + source;
        using var response = await GetAsync(url, cancellation).ConfigureAwait(false);
        await ProgressLines.WriteAsync(output, new ProgressMessage { Status = $"Downloading from {url}" }, cancellation).ConfigureAwait(false);
        long total = response.Content.Headers.ContentLength ?? 0;
        await using var progress = new ProgressReporter(output, cancellation);
        await using var archive = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await UnpackAsync(pending, archive, read => progress.Report(null, "Importing", read, total), cancellation).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> GetAsync(string url, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Host.Length == 0)
            throw EngineException.System($"Get {GoText.Quote(url)}: http: no Host in request URL");
        if (address.Scheme is not ("http" or "https")) throw EngineException.System($"Get {GoText.Quote(url)}: unsupported protocol scheme {GoText.Quote(address.Scheme)}");
        HttpResponseMessage response;
        try
        {
            response = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw EngineException.System($"Get {GoText.Quote(url)}: {e.Message}", e);
        }
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            string status = string.Create(CultureInfo.InvariantCulture, $"failed to GET {url} with status {(int)response.StatusCode} {response.ReasonPhrase}");
            throw (int)response.StatusCode is 404 ? EngineException.NotFound(status) : EngineException.System(status);
        }
    }
}
