using System.Buffers;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Copies file content in the kernel where it can: copy_file_range (a reference copy on file systems that share blocks), else sendfile, else a buffer.</summary>
public static unsafe class FileCopy
{
    private const int Chunk = 1 << 30;

    /// <summary>Copies a range between two files at the same offset, holes kept. Returns the bytes of data copied.</summary>
    public static long CopySparse(Fd source, Fd target, long length)
    {
        long copied = 0;
        for (long at = 0; at < length && FileData.NextData(source, at) is var (offset, size);)
        {
            size = Math.Min(size, length - offset);
            if (size <= 0) break;
            copied += Copy(source, offset, target, offset, size);
            at = offset + size;
        }
        FileData.SetLength(target, length);
        return copied;
    }

    /// <summary>Copies bytes between two regular files. Returns how many; fewer than asked for when the source ends.</summary>
    public static long Copy(Fd source, long sourceOffset, Fd target, long targetOffset, long length)
    {
        long done = 0;
        while (done < length)
        {
            long from = sourceOffset + done, to = targetOffset + done;
            KernelResult copied = Syscall.CallRestarting(SyscallNumber.CopyFileRange, source.Number, (nint)(&from), target.Number, (nint)(&to),
                (nint)Math.Min(length - done, Chunk));
            if (copied.Errno is Errno.EXDEV or Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP or Errno.EBADF)
                return done + CopyByBuffer(source, sourceOffset + done, target, targetOffset + done, length - done);
            copied.Check("copy_file_range");
            if (copied.Value == 0) break;
            done += copied.Value;
        }
        return done;
    }

    /// <summary>Sends bytes of a file to a pipe, socket or file at its own position. Returns how many.</summary>
    public static long Send(Fd source, long offset, Fd target, long length)
    {
        long done = 0;
        while (done < length)
        {
            long from = offset + done;
            nint sent = Syscall.CallRestarting(SyscallNumber.Sendfile, target.Number, source.Number, (nint)(&from), (nint)Math.Min(length - done, Chunk));
            if (Syscall.Check(sent, "sendfile") == 0) break;
            done += sent;
        }
        return done;
    }

    private static long CopyByBuffer(Fd source, long sourceOffset, Fd target, long targetOffset, long length)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            long done = 0;
            while (done < length)
            {
                int read = FileData.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), sourceOffset + done);
                if (read == 0) break;
                FileData.Write(target, buffer.AsSpan(0, read), targetOffset + done);
                done += read;
            }
            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
