using System.IO.Compression;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Logs;

/// <summary>A file that is appended to and set aside when it is full: <c>log</c>, <c>log.1</c> (<c>.gz</c>), <c>log.2</c>, ….</summary>
internal sealed class RotatingFile : IDisposable
{
    private const int Mode = 0x1A0;   // 0640
    private readonly string path;
    private readonly long maxSize;
    private readonly int maxFiles;
    private readonly bool compress;
    private Fd file;
    private ulong inode;
    private long size, repeated;

    public RotatingFile(string path, long maxSize, int maxFiles, bool compress)
    {
        this.path = path;
        this.maxSize = maxSize;
        this.maxFiles = Math.Max(1, maxFiles);
        this.compress = compress;
        file = OpenFile.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, Mode);
        size = Syscall.Fast(SyscallNumber.Lseek, file.Number, 0, 2);
        inode = PathStatus.Of(file).Inode;
    }

    public LogPosition Position => new(inode, size);

    /// <summary>Leaves out of the next writes what has been written since a position. Files that have been set aside since count too; a compressed one does not, and is written twice.</summary>
    public void Repeat(LogPosition from)
    {
        repeated = 0;
        if (from.File == inode) repeated = Math.Max(0, size - from.Size);
        else if (PathStatus.TryGet($"{path}.1") is { } before && before.Inode == from.File) repeated = Math.Max(0, before.Size - from.Size) + size;
    }

    public long MaxSize => maxSize;

    /// <summary>Bytes in the current file.</summary>
    public long Size => size;

    /// <summary>Writes whole records. A full disk loses them, and says so once it can.</summary>
    public unsafe void Write(ReadOnlySpan<byte> records)
    {
        if (repeated > 0)
        {
            int there = (int)Math.Min(repeated, records.Length);
            repeated -= there;
            records = records[there..];
            if (records.IsEmpty) return;
        }
        if (maxSize > 0 && size > 0 && size + records.Length > maxSize) TryRotate();
        fixed (byte* data = records)
        {
            int written = 0;
            while (written < records.Length)
            {
                nint count = Syscall.CallRestarting(SyscallNumber.Write, file.Number, (nint)(data + written), records.Length - written);
                if (count <= 0) return;   // the container's output goes on without its log; attached clients still see it
                written += (int)count;
            }
            size += written;
        }
    }

    /// <summary>When somebody has taken the files away, or the disk is full, it goes on in the file that it has.</summary>
    private void TryRotate()
    {
        try
        {
            Rotate();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KernelException)
        {
            // The next record tries again.
        }
    }

    private void Rotate()
    {
        if (maxFiles == 1)
        {
            Syscall.Call(SyscallNumber.Ftruncate, file.Number, 0);
            size = 0;
            return;
        }
        string suffix = compress ? ".gz" : "";
        File.Delete($"{path}.{maxFiles - 1}{suffix}");
        for (int i = maxFiles - 2; i >= 1; i--)
        {
            if (File.Exists($"{path}.{i}{suffix}")) File.Move($"{path}.{i}{suffix}", $"{path}.{i + 1}{suffix}", overwrite: true);
        }
        if (File.Exists(path)) File.Move(path, $"{path}.1", overwrite: true);
        var next = OpenFile.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, Mode);
        file.Dispose();
        file = next;
        inode = PathStatus.Of(file).Inode;
        size = 0;
        if (compress) Compress($"{path}.1");
    }

    private static void Compress(string full)
    {
        string temporary = full + ".gz.tmp";
        using (var input = File.OpenRead(full))
        using (var output = new GZipStream(File.Create(temporary), CompressionLevel.Fastest)) input.CopyTo(output);
        File.Move(temporary, full + ".gz", overwrite: true);
        File.Delete(full);
    }

    public void Dispose() => file.Dispose();
}
