using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>Where a build's files and its Dockerfile come from: the archive that is sent along, a Git repository, or a URL.</summary>
internal sealed class ContextSource(HttpClient http, UnpackLimits limits)
{
    /// <summary>Brings the context into a folder of the build.</summary>
    /// <param name="input">What is sent along.</param>
    /// <returns>The Dockerfile's text; the context is null when there is nothing but the Dockerfile.</returns>
    /// <exception cref="EngineException">In dockerd's words.</exception>
    public async Task<(BuildContext? Context, string Dockerfile)> OpenAsync(BuildRequest request, Stream input, BuildFolder folder, BuildOutput output, CancellationToken cancellation)
    {
        string remote = request.Remote;
        if (remote.Length == 0) return Complete(await UnpackAsync(input, folder, null, cancellation).ConfigureAwait(false), request);
        if (remote == "client-session") throw EngineException.InvalidParameter("experimental session with v1 builder is no longer supported, use builder version v2 (BuildKit) instead");
        if (GitAddress.IsGit(remote)) return Complete(await GitContext.CloneAsync(remote, folder, http, cancellation).ConfigureAwait(false), request);
        if (RemoteFile.IsUrl(remote)) return await DownloadAsync(request, folder, output, cancellation).ConfigureAwait(false);
        throw EngineException.System($"remoteURL ({remote}) could not be recognized as URL");
    }

    private static (BuildContext? Context, string Dockerfile) Complete(BuildContext context, BuildRequest request)
    {
        try
        {
            return (context, context.TakeDockerfile(request.Dockerfile));
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private async Task<BuildContext> UnpackAsync(Stream archive, BuildFolder folder, Action<long>? advanced, CancellationToken cancellation)
    {
        string path = folder.NewFolder("context");
        await StreamPump.RunAsync(archive, (source, token) =>
        {
            Unpack(source, path, token);
            return Task.CompletedTask;
        }, advanced, cancellation).ConfigureAwait(false);
        return new BuildContext(DirectoryFd.Open(path));
    }

    private void Unpack(ByteSource source, string path, CancellationToken cancellation)
    {
        using var root = DirectoryFd.Open(path);
        using var extraction = new TreeExtraction(root, "the build context", new TreeExtractionForm { Limits = limits });
        try
        {
            extraction.Run(source, cancellation);
        }
        catch (Exception e) when (e is InvalidArchiveException or KernelException)
        {
            throw EngineException.System($"Error processing tar file: {e.Message}", e);
        }
        source.Drain();
    }

    /// <summary>A URL gives an archive, or text, which is a Dockerfile without any context.</summary>
    private async Task<(BuildContext? Context, string Dockerfile)> DownloadAsync(BuildRequest request, BuildFolder folder, BuildOutput output, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await RemoteFile.GetAsync(http, request.Remote, cancellation).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            throw new EngineException(e.Kind, $"error downloading remote context {request.Remote}: {e.Message}", e);
        }
        using (response)
        {
            await using var body = new PeekedStream(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
            byte[] start = await body.PeekAsync(cancellation).ConfigureAwait(false);
            string type = ContentTypes.Judge(response.Content.Headers.ContentType?.ToString() ?? "", start, request.Remote);
            if (type == ContentTypes.Text) return (null, await ReadDockerfileAsync(body, request.Dockerfile, cancellation).ConfigureAwait(false));
            long total = response.Content.Headers.ContentLength ?? 0;
            await using var progress = new ProgressReporter(output.Messages, cancellation);
            var context = await UnpackAsync(body, folder, read => progress.Report(request.Remote, "Downloading context", read, total), cancellation).ConfigureAwait(false);
            return Complete(context, request);
        }
    }

    private static async Task<string> ReadDockerfileAsync(Stream body, string name, CancellationToken cancellation)
    {
        byte[] text = new byte[BuildContext.LongestDockerfile + 1];
        int length = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (length > BuildContext.LongestDockerfile)
            throw EngineException.InvalidParameter(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the Dockerfile ({name}) is larger than {BuildContext.LongestDockerfile} bytes, the limit"));
        return Encoding.UTF8.GetString(text, 0, length);
    }
}
