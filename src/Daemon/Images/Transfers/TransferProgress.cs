using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Streams;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Transfers;

/// <summary>The progress stream of a pull or push: many threads report, one task writes, and none of them waits for a slow client.</summary>
/// <remarks>Steps (<c>Pull complete</c>) are written all and in order. Of the numbers between them a client gets as many as it can take, at most ten a second of each layer.</remarks>
internal sealed class TransferProgress : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly Queue<ProgressMessage> steps = new();
    private readonly Dictionary<string, ProgressMessage> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> lastNumbers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim work = new(0);
    private readonly Task writing;
    private bool ended;

    public TransferProgress(JobOutput output, CancellationToken cancellation)
    {
        output.ContentType = "application/json";
        writing = WriteAsync(output, cancellation);
    }

    /// <summary>A line about the whole.</summary>
    public void Say(string status, string? id = null) => Step(new ProgressMessage { Status = status, Id = id });

    /// <summary>A step of one layer.</summary>
    public void Step(string id, string status) => Step(new ProgressMessage { Status = status, ProgressDetail = new ProgressDetail(), Id = id });

    public void Result(PushResult result) =>
        Step(new ProgressMessage { ProgressDetail = new ProgressDetail(), Aux = JsonSerializer.SerializeToElement(result, WireJson.TypeInfo<PushResult>()) });

    private void Step(ProgressMessage message)
    {
        lock (gate)
        {
            if (message.Id is { } id) numbers.Remove(id);   // older than this step
            steps.Enqueue(message);
        }
        work.Release();
    }

    /// <summary>How far a layer has come. To be called often: most calls do nothing.</summary>
    public void Report(string id, string status, long current, long total)
    {
        lock (gate)
        {
            long now = Environment.TickCount64;
            if (lastNumbers.TryGetValue(id, out long last) && now - last < Interval.TotalMilliseconds && current < total) return;
            lastNumbers[id] = now;
            numbers[id] = Number(id, status, current, total);
        }
        work.Release();
    }

    /// <summary>A number that a client is to see in any case.</summary>
    public void Complete(string id, string status, long total) => Step(Number(id, status, total, total));

    private static ProgressMessage Number(string id, string status, long current, long total) => new()
    {
        Status = status,
        ProgressDetail = new ProgressDetail { Current = current, Total = total },
        Progress = ProgressBar.Format(current, total),
        Id = id,
    };

    private async Task WriteAsync(JobOutput output, CancellationToken cancellation)
    {
        while (true)
        {
            await work.WaitAsync(cancellation).ConfigureAwait(false);
            while (Take() is { Count: > 0 } messages)
            {
                foreach (var message in messages) await ProgressLines.WriteAsync(output, message, cancellation).ConfigureAwait(false);
            }
            lock (gate)
            {
                if (ended && steps.Count == 0 && numbers.Count == 0) return;
            }
        }
    }

    private List<ProgressMessage> Take()
    {
        lock (gate)
        {
            List<ProgressMessage> taken = [.. steps, .. numbers.Values];
            steps.Clear();
            numbers.Clear();
            return taken;
        }
    }

    /// <summary>Writes what has been reported and ends; the output is free for others then.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate) ended = true;
        work.Release();
        try
        {
            await writing.ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has gone: whoever works for it learns that from its own cancellation.
        }
        work.Dispose();
    }
}
