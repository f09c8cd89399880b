namespace Gantry.Daemon.Images.Streams;

/// <summary>Bytes that one thread pulls block by block, waiting where it must. Every block but the last is a whole number of 512-byte units.</summary>
/// <remarks>
/// Unpacking is a chain of these: what is read from a client or from disk, decompressed, hashed and cut into files passes from link to link
/// without being copied where a link can lend its buffer. That is why a link lends spans and does not fill buffers like <see cref="Stream"/>.
/// </remarks>
public abstract class ByteSource : IDisposable
{
    private ReadOnlyMemory<byte> block;

    /// <summary>What is left of the current block; empty before the first <see cref="Fill"/> and whenever a block has been consumed.</summary>
    public ReadOnlySpan<byte> Available => block.Span;

    /// <summary><see cref="Available"/> for a link that lends it on. Valid until this source is filled again.</summary>
    internal ReadOnlyMemory<byte> Block => block;

    public void Consume(int count) => block = block[count..];

    /// <summary>Makes sure that something is available. False at the end.</summary>
    public bool Fill()
    {
        while (block.IsEmpty)
        {
            if (!Next(out block)) return false;
        }
        return true;
    }

    /// <summary>Lends the next block, which stays valid until the next call.</summary>
    protected abstract bool Next(out ReadOnlyMemory<byte> next);

    /// <summary>Reads what is available, at most as much as fits. 0 at the end.</summary>
    public int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || !Fill()) return 0;
        int count = Math.Min(buffer.Length, block.Length);
        block.Span[..count].CopyTo(buffer);
        Consume(count);
        return count;
    }

    /// <summary>Reads until the buffer is full or the source has ended.</summary>
    public int ReadFully(Span<byte> buffer)
    {
        int done = 0;
        for (int read; done < buffer.Length && (read = Read(buffer[done..])) > 0;) done += read;
        return done;
    }

    /// <summary>Consumes everything that is left.</summary>
    public void Drain()
    {
        while (Fill()) block = default;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
