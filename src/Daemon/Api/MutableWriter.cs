using System.IO.Pipelines;

namespace Gantry.Daemon.Api;

/// <summary>A connection's output until a command takes the connection over; from then on what Kestrel still wants to say goes nowhere.</summary>
/// <remarks>The other way to keep Kestrel silent, aborting the request, resets the socket, and the client loses what is under way.</remarks>
internal sealed class MutableWriter(PipeWriter inner, ConnectionLife life) : PipeWriter
{
    private byte[]? nowhere;

    public override Memory<byte> GetMemory(int sizeHint = 0) => life.IsTakenOver ? Nowhere(sizeHint) : inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => life.IsTakenOver ? Nowhere(sizeHint) : inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        if (!life.IsTakenOver) inner.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => life.IsTakenOver ? default : inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        life.IsTakenOver ? default : inner.WriteAsync(source, cancellationToken);

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private byte[] Nowhere(int sizeHint)
    {
        if (nowhere is null || nowhere.Length < sizeHint) nowhere = new byte[Math.Max(sizeHint, 4096)];
        return nowhere;
    }
}
