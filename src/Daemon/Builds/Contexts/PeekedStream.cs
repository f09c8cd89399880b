using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>A stream whose first bytes can be looked at before it is read.</summary>
internal sealed class PeekedStream(Stream stream) : ForwardStream
{
    private readonly byte[] start = new byte[512];
    private int length, at;

    public async Task<byte[]> PeekAsync(CancellationToken cancellation)
    {
        length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return start[..length];
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int kept = Math.Min(buffer.Length, length - at);
        if (kept <= 0) return stream.ReadAsync(buffer, cancellationToken);
        start.AsMemory(at, kept).CopyTo(buffer);
        at += kept;
        return ValueTask.FromResult(kept);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) stream.Dispose();
        base.Dispose(disposing);
    }
}
