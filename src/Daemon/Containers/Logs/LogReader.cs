using System.Buffers;
using System.IO.Compression;
using Gantry.Linux.Files;
using Gantry.Linux.Polling;
using Gantry.Protocol.Streams;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Daemon.Containers.Logs;

/// <summary>Reads a container's log from its files, those set aside first, and goes on as it grows.</summary>
internal sealed class LogReader(string path, LogDecoder decoder, LogQuery query, LogFormatter formatter, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write)
{
    private const int ChunkSize = 256 << 10, FlushAt = 96 << 10;
    private byte[] buffer = [];
    private byte[] scratch = [];
    private int buffered;
    /// <summary>Nothing more is wanted.</summary>
    private bool pastUntil;

    /// <param name="ended">Completes once the container has no process and its log is complete.</param>
    public async Task ReadAsync(FileChanges changes, Task ended, CancellationToken cancellation)
    {
        buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        scratch = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            var current = await ReadOldAsync(cancellation).ConfigureAwait(false);
            try
            {
                if (query.Follow && !pastUntil) current = await FollowAsync(current, changes, ended, cancellation).ConfigureAwait(false);
            }
            finally
            {
                current.File?.Dispose();
            }
            await FlushAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private readonly record struct Position(SafeFileHandle? File, long Offset);

    /// <summary>Everything that is there now. The current file stays open, so that its renaming meanwhile loses nothing.</summary>
    private async Task<Position> ReadOldAsync(CancellationToken cancellation)
    {
        SafeFileHandle? file = TryOpen(path);
        var old = new List<string>();
        for (int i = 1; ; i++)
        {
            string? rotated = File.Exists($"{path}.{i}") ? $"{path}.{i}" : File.Exists($"{path}.{i}.gz") ? $"{path}.{i}.gz" : null;
            if (rotated is null) break;
            old.Insert(0, rotated);
        }
        long offset = 0;
        int skipFiles = 0;
        long skipInFirst = 0;
        if (query.Tail is { } tail)
        {
            int wanted = tail;
            if (file is not null)
            {
                offset = decoder.FindTail(file, RandomAccess.GetLength(file), wanted, out int found);
                wanted -= found;
            }
            skipFiles = old.Count;
            while (wanted > 0 && skipFiles > 0)
            {
                skipFiles--;
                using var source = OpenOld(old[skipFiles]);
                skipInFirst = decoder.FindTail(source, RandomAccess.GetLength(source), wanted, out int found);
                wanted -= found;
            }
        }
        for (int i = skipFiles; i < old.Count && !pastUntil; i++)
        {
            using var source = OpenOld(old[i]);
            await ReadToEndAsync(source, i == skipFiles ? skipInFirst : 0, cancellation).ConfigureAwait(false);
        }
        if (file is not null && !pastUntil) offset = await ReadToEndAsync(file, offset, cancellation).ConfigureAwait(false);
        return new Position(file, offset);
    }

    private static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A compressed file is unpacked into one without a name.</summary>
    private static SafeFileHandle OpenOld(string path)
    {
        if (!path.EndsWith(".gz", StringComparison.Ordinal)) return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        string temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        var unpacked = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        File.Delete(temporary);
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        byte[] chunk = new byte[64 << 10];
        long at = 0;
        for (int count; (count = gzip.Read(chunk)) > 0; at += count) RandomAccess.Write(unpacked, chunk.AsSpan(0, count), at);
        return unpacked;
    }

    /// <summary>Sends every complete record from an offset on. Returns where the next one begins.</summary>
    private async Task<long> ReadToEndAsync(SafeFileHandle file, long offset, CancellationToken cancellation)
    {
        buffered = 0;
        bool isLast = query.End is { } end && PathStatus.Of(file).Inode == end.File;
        while (!pastUntil)
        {
            if (buffered == buffer.Length) Grow();
            int wanted = buffer.Length - buffered;
            if (isLast) wanted = (int)Math.Clamp(query.End!.Value.Size - offset - buffered, 0, wanted);
            int count = RandomAccess.Read(file, buffer.AsSpan(buffered, wanted), offset + buffered);
            if (count == 0) break;
            buffered += count;
            int used = 0;
            while (!pastUntil && TryTake(used, out int length))
            {
                used += length;
                if (formatter.Length >= FlushAt) await FlushAsync(cancellation).ConfigureAwait(false);
            }
            offset += used;
            buffer.AsSpan(used, buffered - used).CopyTo(buffer);
            buffered -= used;
        }
        if (isLast) pastUntil = true;
        return offset;
    }

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, buffered).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        ArrayPool<byte>.Shared.Return(scratch);
        buffer = larger;
        scratch = ArrayPool<byte>.Shared.Rent(larger.Length);
    }

    private bool TryTake(int from, out int length)
    {
        bool needTime = query.Timestamps || query.Since is not null || query.Until is not null;
        length = decoder.Decode(buffer.AsSpan(from, buffered - from), scratch, needTime, out var record);
        if (length == 0) return false;
        if (record.Text.IsEmpty) return true;
        if (query.Until is { } until && record.Time > until)
        {
            pastUntil = true;
            return true;
        }
        bool wanted = record.Stream == StreamKind.Stderr ? query.Stderr : query.Stdout;
        if (wanted && (query.Since is not { } since || record.Time >= since)) formatter.Add(record);
        return true;
    }

    private async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (formatter.Length == 0) return;
        await write(formatter.Written, cancellation).ConfigureAwait(false);
        formatter.Reset();
    }

    private async Task<Position> FollowAsync(Position at, FileChanges changes, Task ended, CancellationToken cancellation)
    {
        FileChanges.Watcher? watcher = null;
        try
        {
            while (!pastUntil)
            {
                await FlushAsync(cancellation).ConfigureAwait(false);
                bool last = ended.IsCompleted;   // asked before the file is read: what came before the end is then there
                if (at.File is null)
                {
                    if (TryOpen(path) is not { } opened) return at;
                    at = new Position(opened, 0);
                }
                watcher ??= changes.Watch(path);
                var changed = watcher.Arm();
                long offset = await ReadToEndAsync(at.File!, Math.Min(at.Offset, RandomAccess.GetLength(at.File!)), cancellation).ConfigureAwait(false);
                bool progressed = offset != at.Offset;
                at = at with { Offset = offset };
                if (WasRotated(at.File!))
                {
                    at.File!.Dispose();
                    watcher.Dispose();
                    watcher = null;
                    at = default;
                    continue;
                }
                if (progressed) continue;
                if (last) break;
                await Task.WhenAny(changed, ended).WaitAsync(cancellation).ConfigureAwait(false);
            }
            return at;
        }
        finally
        {
            watcher?.Dispose();
        }
    }

    private bool WasRotated(SafeFileHandle open)
    {
        using var now = TryOpen(path);
        return now is not null && PathStatus.Of(now).Inode != PathStatus.Of(open).Inode;
    }
}
