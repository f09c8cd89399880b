using System.Text.Json;
using System.Threading.Channels;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Streams;

/// <summary>Writes a progress stream: one JSON object a line, ended by CRLF, each on its way at once (reference 4.8).</summary>
internal static class ProgressLines
{
    public static async Task WriteAsync(JobOutput output, ProgressMessage message, CancellationToken cancellation)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, WireJson.TypeInfo<ProgressMessage>()), (byte)'\r', (byte)'\n'];
        await output.WriteAsync(line, cancellation).ConfigureAwait(false);
        await output.FlushAsync(cancellation).ConfigureAwait(false);
    }

    public static Task WriteStreamAsync(JobOutput output, string text, CancellationToken cancellation) =>
        WriteAsync(output, new ProgressMessage { Stream = text }, cancellation);
}

/// <summary>Reports how far threads that cannot wait for a client have come. When the client is slow it sees fewer steps.</summary>
internal sealed class ProgressReporter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Channel<ProgressMessage> messages = Channel.CreateBounded<ProgressMessage>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Task writing;
    private long lastReport;

    public ProgressReporter(JobOutput output, CancellationToken cancellation) => writing = WriteAsync(output, cancellation);

    private async Task WriteAsync(JobOutput output, CancellationToken cancellation)
    {
        await foreach (var message in messages.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            await ProgressLines.WriteAsync(output, message, cancellation).ConfigureAwait(false);
    }

    /// <summary>To be called often: most calls do nothing. The last step, when everything has been done, always counts.</summary>
    public void Report(string? id, string status, long current, long total)
    {
        long now = Environment.TickCount64;
        if (current < total && now - Interlocked.Read(ref lastReport) < Interval.TotalMilliseconds) return;
        Interlocked.Exchange(ref lastReport, now);
        messages.Writer.TryWrite(new ProgressMessage { Status = status, Id = id, ProgressDetail = new ProgressDetail { Current = current, Total = total } });
    }

    /// <summary>Writes what has been reported and ends; the output is free for others then.</summary>
    public async ValueTask DisposeAsync()
    {
        messages.Writer.TryComplete();
        await writing.ConfigureAwait(false);
    }
}
