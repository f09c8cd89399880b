using System.Buffers.Text;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Reads and writes the small text files of the kernel: opened below a directory's descriptor, one read or write each.</summary>
internal static unsafe class ControlFile
{
    public const int ReadOnly = 0, WriteOnly = 1, CloseOnExec = 0x80000, PathOnly = 0x200000;

    /// <summary>O_DIRECTORY is one of the few flags whose number differs between the architectures (<c>arch/arm64/include/uapi/asm/fcntl.h</c>).</summary>
    public static readonly int DirectoryOnly =
        System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>A descriptor, or a negative errno.</summary>
    /// <param name="path">Ends in a zero byte.</param>
    public static int Open(int directory, ReadOnlySpan<byte> path, int flags)
    {
        fixed (byte* p = path) return (int)Syscall.Call(SyscallNumber.Openat, directory, (nint)p, flags | CloseOnExec, 0);
    }

    /// <summary>Reads until the buffer is full or the file ends. Returns the number of bytes, or a negative errno.</summary>
    public static int Read(int directory, ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        int fd = Open(directory, path, ReadOnly);
        if (fd < 0) return fd;
        using var file = new Fd(fd);
        return Read(fd, buffer);
    }

    public static int Read(int fd, Span<byte> buffer)
    {
        int length = 0;
        fixed (byte* p = buffer)
        {
            while (length < buffer.Length)
            {
                nint n = Syscall.CallRestarting(SyscallNumber.Read, fd, (nint)(p + length), buffer.Length - length);
                if (n < 0) return (int)n;
                if (n == 0) break;
                length += (int)n;
            }
        }
        return length;
    }

    /// <summary>Writes the whole text in one call, as such files want it.</summary>
    /// <returns>0, or a negative errno.</returns>
    public static int Write(int fd, ReadOnlySpan<byte> text)
    {
        fixed (byte* p = text)
        {
            nint n = Syscall.CallRestarting(SyscallNumber.Write, fd, (nint)p, text.Length);
            return n < 0 ? (int)n : n == text.Length ? 0 : -(int)Errno.EIO;
        }
    }

    /// <summary>Reads a path's text, for files of any size; null when the path is not there.</summary>
    public static string? TryReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The number at the start of a text; <c>max</c> is <see cref="ulong.MaxValue"/>, a negative one and no number at all are 0.</summary>
    public static ulong Number(ReadOnlySpan<byte> text) =>
        text.StartsWith("max"u8) ? ulong.MaxValue : Utf8Parser.TryParse(text, out ulong value, out _) ? value : 0;

    /// <summary>Cuts the next line off a text.</summary>
    public static bool NextLine(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> line)
    {
        if (text.IsEmpty)
        {
            line = default;
            return false;
        }
        int end = text.IndexOf((byte)'\n');
        line = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return true;
    }

    /// <summary>Cuts the next blank-separated word off a line.</summary>
    public static bool NextWord(ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        line = line.TrimStart((byte)' ');
        int end = line.IndexOf((byte)' ');
        word = end < 0 ? line : line[..end];
        line = end < 0 ? default : line[(end + 1)..];
        return !word.IsEmpty;
    }

    /// <summary>The value after a key in a text of <c>key value</c> lines; 0 when the key is missing.</summary>
    public static ulong Value(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        while (NextLine(ref text, out var line))
            if (line.Length > key.Length && line[key.Length] == ' ' && line.StartsWith(key)) return Number(line[(key.Length + 1)..]);
        return 0;
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
