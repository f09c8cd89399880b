namespace Gantry.Daemon.Engine;

/// <summary>The output of a streaming command. The first write (or <see cref="StartAsync"/>) sends the head of the answer; until then an error can still be a status code.</summary>
public abstract class JobOutput
{
    /// <summary>The answer's content type; set before the first write.</summary>
    public string ContentType { get; set; } = "application/json";

    /// <summary>Extra headers; set before the first write.</summary>
    public Dictionary<string, string> Headers { get; } = [];

    /// <summary>The head is out: from here on an error can only be told within the stream.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Sends the head now, so that the client knows that the stream is open.</summary>
    public async ValueTask StartAsync(CancellationToken cancellation)
    {
        if (HasStarted) return;
        HasStarted = true;
        await SendHeadAsync(cancellation).ConfigureAwait(false);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        HasStarted = true;
        await SendAsync(data, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes sure that everything written so far is on its way to the client.</summary>
    public abstract ValueTask FlushAsync(CancellationToken cancellation);

    protected abstract ValueTask SendHeadAsync(CancellationToken cancellation);

    protected abstract ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation);

    /// <summary>An output to which nobody listens.</summary>
    public static JobOutput Discard() => new DiscardOutput();

    private sealed class DiscardOutput : JobOutput
    {
        public override ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override ValueTask SendHeadAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => ValueTask.CompletedTask;
    }
}
