using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Passes reads and writes through and counts them.</summary>
internal sealed class ObservedStream(Stream inner, Action<long> report) : ForwardStream
{
    private long count;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override int Read(byte[] buffer, int offset, int count) => Observe(inner.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Observe(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        Observe(buffer.Length);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        inner.Write(buffer, offset, count);
        Observe(count);
    }

    private int Observe(int bytes)
    {
        count += bytes;
        report(count);
        return bytes;
    }
}
