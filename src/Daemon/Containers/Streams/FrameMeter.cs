using Gantry.Protocol.Streams;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers.Streams;

/// <summary>Follows a framed output on its way to a client, so that another supervisor can go on with it at any byte: counts what each stream has brought, and never lets half a head through.</summary>
/// <remarks>A successor begins with what is missing of the frame that was cut off, in a frame of its own, whose head is left out.</remarks>
internal sealed class FrameMeter
{
    private long stdout, stderr;
    private StreamKind kind;
    private int rest;
    private bool joining;

    /// <param name="from">Where the output begins.</param>
    public void Begin(AttachedReply? from)
    {
        stdout += from?.Stdout ?? 0;
        stderr += from?.Stderr ?? 0;
    }

    public AttachedReply Received => new() { Stdout = stdout, Stderr = stderr };

    /// <summary>The output goes on from another supervisor.</summary>
    public void GoOn() => joining = rest > 0;

    /// <summary>Counts what a terminal's stream has brought: it has no frames.</summary>
    public void Count(int length) => stdout += length;

    /// <summary>Goes through what has come.</summary>
    /// <param name="from">Set to the offset of what the client is to get.</param>
    /// <param name="to">Set to its end; what is beyond is the beginning of a head.</param>
    /// <returns>False when the successor's first frame is not the rest of the one that was cut off.</returns>
    public bool Take(ReadOnlySpan<byte> data, out int from, out int to)
    {
        from = to = 0;
        if (joining)
        {
            if (data.Length < StreamFrame.HeaderSize) return true;
            if (!StreamFrame.TryReadHeader(data, out var continued, out int length) || continued != kind || length != rest) return false;
            joining = false;
            from = to = StreamFrame.HeaderSize;
        }
        while (to < data.Length)
        {
            if (rest == 0)
            {
                if (data.Length - to < StreamFrame.HeaderSize) return true;
                StreamFrame.TryReadHeader(data[to..], out kind, out rest);
                to += StreamFrame.HeaderSize;
                continue;
            }
            int part = Math.Min(rest, data.Length - to);
            if (kind == StreamKind.Stdout) stdout += part;
            else stderr += part;
            rest -= part;
            to += part;
        }
        return true;
    }
}
