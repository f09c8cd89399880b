using System.Buffers;
using System.Buffers.Binary;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Lists a directory by getdents64(2), without <c>.</c> and <c>..</c>. It reads through the directory's own position: one reader at a time.</summary>
public sealed unsafe class DirectoryReader : IDisposable
{
    private const int BufferSize = 32 * 1024;

    private readonly DirectoryFd directory;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int filled;
    private int next;
    private int current;

    /// <summary>Starts at the beginning of the directory, which stays its owner's.</summary>
    public DirectoryReader(DirectoryFd directory)
    {
        this.directory = directory;
        Syscall.Check(Syscall.Fast(SyscallNumber.Lseek, directory.Number, 0, 0), "seek to the start of a directory");
    }

    /// <summary>The current entry's name; valid until the next <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Name
    {
        get
        {
            var name = buffer.AsSpan(current + 19, Length(current) - 19);
            return name[..name.IndexOf((byte)0)];
        }
    }

    /// <summary>The current entry's type; <see cref="FileType.Unknown"/> on file systems that do not tell.</summary>
    public FileType Type => (FileType)((uint)buffer[current + 18] << 12);

    public ulong Inode => BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(current));

    public bool MoveNext()
    {
        do
        {
            if (next == filled)
            {
                nint count;
                fixed (byte* p = buffer) count = Syscall.CallRestarting(SyscallNumber.Getdents64, directory.Number, (nint)p, BufferSize);
                // One that has been removed meanwhile says ENOENT: it holds nothing.
                filled = count == -(int)Errno.ENOENT ? 0 : (int)Syscall.Check(count, "list a directory");
                next = 0;
                if (filled == 0) return false;
            }
            current = next;
            next += Length(current);
        }
        while (Name.SequenceEqual("."u8) || Name.SequenceEqual(".."u8));
        return true;
    }

    private int Length(int entry) => BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(entry + 16));

    public void Dispose()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
