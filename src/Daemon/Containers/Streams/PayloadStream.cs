using Gantry.Daemon.Engine;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Containers.Streams;

/// <summary>Takes the frames off an output before it goes to a client that wants the bytes alone, both streams in one (reference 4.7).</summary>
/// <remarks>Written to in whole heads, as <see cref="FrameMeter"/> lets them through.</remarks>
internal sealed class PayloadStream(IDuplexStream client) : IDuplexStream
{
    private int rest;

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation) => client.ReadAsync(buffer, cancellation);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (!data.IsEmpty)
        {
            if (rest == 0)
            {
                StreamFrame.TryReadHeader(data.Span, out _, out rest);
                data = data[StreamFrame.HeaderSize..];
                continue;
            }
            var part = data[..Math.Min(rest, data.Length)];
            await client.WriteAsync(part, cancellation).ConfigureAwait(false);
            rest -= part.Length;
            data = data[part.Length..];
        }
    }

    public ValueTask CompleteWritesAsync() => client.CompleteWritesAsync();

    public ValueTask DisposeAsync() => client.DisposeAsync();
}
