using System.Buffers;
using System.IO.Compression;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Protocol.Streams;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Daemon.Containers.Logs;

/// <summary>Reads a container's log from its files, those set aside first, and goes on as it grows.</summary>
internal sealed class LogReader(string path, LogDecoder decoder, LogQuery query, LogFormatter formatter, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write)
{
    private const int ChunkSize = 256 << 10, FlushAt = 96 << 10;

    /// <summary>How often a file is looked for that is not there yet.</summary>
    private static readonly TimeSpan RotationPoll = TimeSpan.FromMilliseconds(20);

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

    /// <summary>Everything that is there now. Files are opened before any is read, the newest first: that they are set aside meanwhile loses nothing.</summary>
    private async Task<Position> ReadOldAsync(CancellationToken cancellation)
    {
        SafeFileHandle? file = TryOpen(path);
        var old = OpenSetAside(file);
        try
        {
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
                    var source = old[--skipFiles].Content;
                    skipInFirst = decoder.FindTail(source, RandomAccess.GetLength(source), wanted, out int found);
                    wanted -= found;
                }
            }
            for (int i = skipFiles; i < old.Count && !pastUntil; i++)
                await ReadToEndAsync(old[i].Content, i == skipFiles ? skipInFirst : 0, cancellation).ConfigureAwait(false);
            if (file is not null && !pastUntil) offset = await ReadToEndAsync(file, offset, cancellation).ConfigureAwait(false);
            return new Position(file, offset);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
        finally
        {
            foreach (var one in old) one.Dispose();
        }
    }

    /// <summary>The files that were set aside before one, the oldest first.</summary>
    private List<SetAside> OpenSetAside(SafeFileHandle? current)
    {
        var old = new List<SetAside>();
        var seen = new HashSet<ulong>();
        if (current is not null) seen.Add(PathStatus.Of(current).Inode);
        for (int i = 1, missing = 0; missing < 2; i++)   // while they are renamed one number is missing
        {
            string name = $"{path}.{i}";
            if ((TryOpen(name) ?? TryOpen(name + ".gz")) is not { } opened)
            {
                missing++;
                continue;
            }
            if (seen.Add(PathStatus.Of(opened).Inode)) old.Insert(0, new SetAside(opened, name));
            else opened.Dispose();
        }
        return old;
    }

    /// <summary>A file that was set aside. A compressed one is unpacked, into a file without a name, when its content is wanted.</summary>
    private sealed class SetAside(SafeFileHandle file, string name) : IDisposable
    {
        private SafeFileHandle? content;

        public SafeFileHandle Content => content ??= IsCompressed() ? Unpack() : file;

        private bool IsCompressed()
        {
            Span<byte> head = stackalloc byte[2];
            return RandomAccess.Read(file, head, 0) == 2 && head is [0x1f, 0x8b];
        }

        private SafeFileHandle Unpack()
        {
            string temporary = $"{name}.{Guid.NewGuid():N}.tmp";
            var unpacked = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            File.Delete(temporary);
            using var packed = new FileStream(file, FileAccess.Read);
            using var gzip = new GZipStream(packed, CompressionMode.Decompress);
            byte[] chunk = new byte[64 << 10];
            long at = 0;
            for (int count; (count = gzip.Read(chunk)) > 0; at += count) RandomAccess.Write(unpacked, chunk.AsSpan(0, count), at);
            return unpacked;
        }

        public void Dispose()
        {
            content?.Dispose();
            file.Dispose();
        }
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
                    if (TryOpen(path) is { } first)
                    {
                        at = new Position(first, 0);
                    }
                    else
                    {
                        if (last || !File.Exists($"{path}.1")) return at;
                        await Task.Delay(RotationPoll, cancellation).ConfigureAwait(false);   // the last one has just been set aside
                        continue;
                    }
                }
                watcher ??= TryWatch(changes);
                var changed = watcher?.Arm() ?? Task.Delay(RotationPoll, cancellation);
                long offset = await ReadToEndAsync(at.File!, Math.Min(at.Offset, RandomAccess.GetLength(at.File!)), cancellation).ConfigureAwait(false);
                bool progressed = offset != at.Offset;
                at = at with { Offset = offset };
                if (OpenNextOf(at.File!) is { } next)
                {
                    await ReadToEndAsync(at.File!, at.Offset, cancellation).ConfigureAwait(false);   // what came before it was set aside; nobody writes to it any more
                    at.File!.Dispose();
                    watcher?.Dispose();
                    watcher = null;
                    at = new Position(next, 0);
                    continue;
                }
                if (progressed) continue;
                if (last) break;
                var news = Task.WhenAny(changed, ended);
                if (!File.Exists(path)) news = Task.WhenAny(news, Task.Delay(RotationPoll, cancellation));   // set aside, and the next one is not there yet: nothing tells of it
                await news.WaitAsync(cancellation).ConfigureAwait(false);
            }
            return at;
        }
        finally
        {
            watcher?.Dispose();
        }
    }

    /// <summary>Null when the file is not there just now: it has been set aside, and the next one comes.</summary>
    private FileChanges.Watcher? TryWatch(FileChanges changes)
    {
        try
        {
            return changes.Watch(path);
        }
        catch (KernelException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    /// <summary>The file that was begun when this one was set aside; null while this one is written, or the next one is not there yet.</summary>
    private SafeFileHandle? OpenNextOf(SafeFileHandle open)
    {
        ulong inode = PathStatus.Of(open).Inode;
        while (PathStatus.TryGet(path) is { } current && current.Inode != inode)
        {
            int number = NumberOf(inode);
            var next = TryOpen(number > 1 ? $"{path}.{number - 1}" : path);
            if (next is not null && NumberOf(inode) == number && PathStatus.Of(next).Inode != inode) return next;
            next?.Dispose();   // they have moved on meanwhile
        }
        return null;
    }

    /// <summary>The number under which a file is set aside; 0 when it is compressed or gone.</summary>
    private int NumberOf(ulong inode)
    {
        for (int i = 1, missing = 0; missing < 2; i++)   // upwards, as they move; one number is missing while they do
        {
            if (PathStatus.TryGet($"{path}.{i}") is not { } old) missing++;
            else if (old.Inode == inode) return i;
        }
        return 0;
    }
}
