using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Gantry.Daemon.Images.Streams;

/// <summary>A bounded pipe between one writer, which may wait asynchronously, and one reader, a thread of its own that waits by blocking.</summary>
/// <remarks>At most <see cref="Depth"/> blocks are in it, so that a fast writer waits for a slow reader and memory stays flat. Either end's failure reaches the other.</remarks>
public sealed class BlockPipe : ByteSource
{
    /// <summary>Bytes of a block. Blocks are handed on full, except the last.</summary>
    public const int BlockSize = 256 * 1024;

    private const int Depth = 8;

    private readonly ConcurrentQueue<ReadOnlyMemory<byte>> blocks = new();
    private readonly SemaphoreSlim free = new(Depth);
    private readonly SemaphoreSlim filled = new(0);
    private readonly CancellationToken cancellation;
    private byte[]? writing;
    private int written;
    private byte[]? lent;
    private volatile Exception? writerError;
    private volatile Exception? readerError;

    /// <param name="cancellation">Ends the waiting of both ends.</param>
    public BlockPipe(CancellationToken cancellation) => this.cancellation = cancellation;

    /// <summary>The free part of the block being written, after <see cref="Reserve"/> or <see cref="ReserveAsync"/>.</summary>
    public Memory<byte> Space => writing.AsMemory(written, BlockSize - written);

    /// <summary>Waits until there is a block to write into.</summary>
    /// <remarks>When the reader has given up, its error is thrown here too.</remarks>
    public async ValueTask ReserveAsync()
    {
        if (writing is not null) return;
        await free.WaitAsync(cancellation).ConfigureAwait(false);
        Begin();
    }

    public void Reserve()
    {
        if (writing is not null) return;
        free.Wait(cancellation);
        Begin();
    }

    private void Begin()
    {
        if (readerError is { } error) ExceptionDispatchInfo.Throw(error);
        writing = ArrayPool<byte>.Shared.Rent(BlockSize);
        written = 0;
    }

    /// <summary>Counts what was written into <see cref="Space"/>; a full block goes to the reader.</summary>
    public void Advance(int count)
    {
        written += count;
        if (written == BlockSize) Hand();
    }

    public void Write(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            Reserve();
            int count = Math.Min(data.Length, BlockSize - written);
            data[..count].CopyTo(Space.Span);
            Advance(count);
            data = data[count..];
        }
    }

    private void Hand()
    {
        blocks.Enqueue(writing.AsMemory(0, written));
        writing = null;
        filled.Release();
    }

    /// <summary>Ends the writing. With an error, the reader gets it after what was written before.</summary>
    public void Complete(Exception? error = null)
    {
        if (writing is not null && written > 0) Hand();
        else if (writing is not null) ReturnWriting();
        writerError = error;
        blocks.Enqueue(default);
        filled.Release();
    }

    private void ReturnWriting()
    {
        ArrayPool<byte>.Shared.Return(writing!);
        writing = null;
    }

    /// <summary>The reader gives up: the writer fails at its next block instead of waiting for ever.</summary>
    public void Abandon(Exception error)
    {
        readerError = error;
        free.Release();
    }

    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        ReturnLent();
        filled.Wait(cancellation);
        blocks.TryDequeue(out next);
        if (next.IsEmpty)
        {
            filled.Release();   // asked again after the end, the answer is the same
            blocks.Enqueue(default);
            if (writerError is { } error) ExceptionDispatchInfo.Throw(error);
            return false;
        }
        MemoryMarshal.TryGetArray(next, out var segment);
        lent = segment.Array;
        return true;
    }

    private void ReturnLent()
    {
        if (lent is null) return;
        ArrayPool<byte>.Shared.Return(lent);
        lent = null;
        free.Release();
    }

    protected override void Dispose(bool disposing)
    {
        ReturnLent();   // the semaphores have nothing to give back, and the writer may still be about to ask one of them
        base.Dispose(disposing);
    }
}
