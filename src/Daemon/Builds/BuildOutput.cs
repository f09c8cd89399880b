using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Streams;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Builds;

/// <summary>What a build prints: lines of a progress stream, on their way at once; or, for a quiet build, kept in a file for the case that it fails.</summary>
internal sealed class BuildOutput : IAsyncDisposable
{
    private static readonly Version AuxBegins = new(1, 30);

    private readonly JobOutput output;
    private readonly bool wantsAux;
    private readonly HeldOutput? held;
    private readonly JobOutput target;

    /// <param name="holdIn">The file for what a quiet build keeps; null for a build that prints.</param>
    public BuildOutput(Job job, string? holdIn)
    {
        output = job.Output;
        output.ContentType = "application/json";
        wantsAux = job.Client.ApiVersion >= AuxBegins;
        held = holdIn is null ? null : new HeldOutput(holdIn);
        target = held ?? output;
    }

    /// <summary>The stream that messages of others go to: progress of a pull or a download.</summary>
    public JobOutput Messages => target;

    /// <summary>One message; what belongs to one line may come in several, as dockerd's does.</summary>
    public Task WriteAsync(string text, CancellationToken cancellation) => ProgressLines.WriteStreamAsync(target, text, cancellation);

    /// <summary>A message that clients show in red.</summary>
    public Task WarnAsync(string text, CancellationToken cancellation) => WriteAsync($"\u001b[91m{text}\u001b[0m", cancellation);

    public async Task StepAsync(int number, int of, string text, CancellationToken cancellation)
    {
        await WriteAsync(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Step {number}/{of} : {text}"), cancellation).ConfigureAwait(false);
        await WriteAsync("\n", cancellation).ConfigureAwait(false);
    }

    /// <summary>The image of a finished stage.</summary>
    public Task ImageAsync(string id, CancellationToken cancellation)
    {
        if (!wantsAux || id.Length == 0) return Task.CompletedTask;
        var aux = JsonSerializer.SerializeToElement(new BuildResult { Id = id }, WireJson.TypeInfo<BuildResult>());
        return ProgressLines.WriteAsync(target, new ProgressMessage { Aux = aux }, cancellation);
    }

    /// <summary>The one line of a quiet build.</summary>
    public Task QuietResultAsync(string id, CancellationToken cancellation) =>
        held is null ? Task.CompletedTask : ProgressLines.WriteStreamAsync(output, id + "\n", cancellation);

    /// <summary>A quiet build has failed: what it kept is printed after all.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (held is not null) await held.CopyToAsync(output, cancellation).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (held is not null) await held.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class HeldOutput(string path) : JobOutput, IAsyncDisposable
    {
        private readonly FileStream file = new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 64 << 10, FileOptions.Asynchronous | FileOptions.DeleteOnClose);

        public override ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override ValueTask SendHeadAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => file.WriteAsync(data, cancellation);

        public async Task CopyToAsync(JobOutput output, CancellationToken cancellation)
        {
            await file.FlushAsync(cancellation).ConfigureAwait(false);
            if (file.Length == 0) return;   // nothing is on its way yet: the error can still be a status
            file.Position = 0;
            byte[] buffer = new byte[64 << 10];
            for (int read; (read = await file.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
                await output.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            await output.FlushAsync(cancellation).ConfigureAwait(false);
        }

        public ValueTask DisposeAsync() => file.DisposeAsync();
    }
}

/// <summary>Cuts a byte stream into texts without tearing characters apart.</summary>
internal sealed class StreamText
{
    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    public string Decode(ReadOnlySpan<byte> bytes)
    {
        char[] characters = new char[decoder.GetCharCount(bytes, flush: false)];
        int count = decoder.GetChars(bytes, characters, flush: false);
        return new string(characters, 0, count);
    }
}
