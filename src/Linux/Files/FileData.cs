using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Reading, writing and syncing the content of open files.</summary>
public static unsafe class FileData
{
    /// <summary>Writes everything at the file's own position.</summary>
    /// <param name="step">Names the file in an error: <c>write etc/passwd</c>.</param>
    public static void Write(Fd file, ReadOnlySpan<byte> data, string step = "write")
    {
        fixed (byte* p = data)
        {
            for (int done = 0; done < data.Length;)
                done += (int)Syscall.Check(Syscall.CallRestarting(SyscallNumber.Write, file.Number, (nint)(p + done), data.Length - done), step);
        }
    }

    /// <summary>Writes everything at a given position.</summary>
    public static void Write(Fd file, ReadOnlySpan<byte> data, long offset, string step = "write")
    {
        fixed (byte* p = data)
        {
            for (int done = 0; done < data.Length;)
            {
                nint written = Syscall.CallRestarting(SyscallNumber.Pwrite64, file.Number, (nint)(p + done), data.Length - done, (nint)(offset + done));
                done += (int)Syscall.Check(written, step);
            }
        }
    }

    /// <summary>Reads at the file's own position. 0 is its end.</summary>
    public static int Read(Fd file, Span<byte> buffer, string step = "read")
    {
        fixed (byte* p = buffer) return (int)Syscall.Check(Syscall.CallRestarting(SyscallNumber.Read, file.Number, (nint)p, buffer.Length), step);
    }

    /// <summary>Reads at a given position. 0 is the file's end.</summary>
    public static int Read(Fd file, Span<byte> buffer, long offset, string step = "read")
    {
        fixed (byte* p = buffer)
            return (int)Syscall.Check(Syscall.CallRestarting(SyscallNumber.Pread64, file.Number, (nint)p, buffer.Length, (nint)offset), step);
    }

    /// <summary>Sets the length; what is added is a hole.</summary>
    public static void SetLength(Fd file, long length) => Syscall.Check(Syscall.CallRestarting(SyscallNumber.Ftruncate, file.Number, (nint)length), "truncate");

    /// <summary>Reserves disk space, so that a full disk is known before the writing.</summary>
    public static KernelResult TryAllocate(Fd file, long offset, long length) =>
        Syscall.CallRestarting(SyscallNumber.Fallocate, file.Number, 0, (nint)offset, (nint)length);

    /// <summary>Makes a hole in an existing file, which keeps its length.</summary>
    public static void PunchHole(Fd file, long offset, long length)
    {
        const int KeepSize = 1, Punch = 2;
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Fallocate, file.Number, KeepSize | Punch, (nint)offset, (nint)length), "punch a hole");
    }

    /// <summary>The next stretch of data at or after an offset; null when only a hole follows. A file system that knows no holes has one stretch.</summary>
    public static (long Offset, long Length)? NextData(Fd file, long offset)
    {
        const int SeekData = 3, SeekHole = 4;
        KernelResult data = Syscall.Call(SyscallNumber.Lseek, file.Number, (nint)offset, SeekData);
        if (data.Errno == Errno.ENXIO) return null;
        data.Check("seek to data");
        nint hole = Syscall.Check(Syscall.Call(SyscallNumber.Lseek, file.Number, data.Value, SeekHole), "seek to a hole");
        return (data.Value, hole - data.Value);
    }

    /// <summary>Waits until the file's content and its length are on disk.</summary>
    public static void Sync(Fd file) => Syscall.Check(Syscall.CallRestarting(SyscallNumber.Fsync, file.Number), "fsync");

    /// <summary>Waits until everything written to the file system that holds this file is on disk.</summary>
    public static void SyncFileSystem(Fd file) => Syscall.Check(Syscall.CallRestarting(SyscallNumber.Syncfs, file.Number), "syncfs");

    /// <summary>Asks the kernel to begin writing a range to disk; nothing is promised. Spreads the work of a later sync.</summary>
    public static void StartWriteback(Fd file, long offset, long length)
    {
        const int Write = 2;
        Syscall.Call(SyscallNumber.SyncFileRange, file.Number, (nint)offset, (nint)length, Write);
    }

    /// <summary>Whether the mount through which the file was opened, or its file system, takes no writes. A path handle will do.</summary>
    public static bool IsOnReadOnlyMount(Fd file)
    {
        const int readOnly = 1, flags = 10;   // ST_RDONLY; f_flags
        long* statfs = stackalloc long[15];
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Fstatfs, file.Number, (nint)statfs), "statfs");
        return (statfs[flags] & readOnly) != 0;
    }

    /// <summary>Bytes that an unprivileged writer may still use on the file system that holds this file (<c>f_bavail</c>).</summary>
    public static long AvailableBytes(Fd file)
    {
        long* statfs = stackalloc long[15];   // struct statfs of 64-bit machines: f_type, f_bsize, f_blocks, f_bfree, f_bavail, …, 120 bytes
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Fstatfs, file.Number, (nint)statfs), "statfs");
        return statfs[4] * statfs[1];
    }
}
