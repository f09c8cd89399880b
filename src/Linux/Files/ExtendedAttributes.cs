using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Extended attributes (xattr(7)) of open files, and of names in a directory without following a symbolic link.</summary>
/// <remarks>
/// There is no <c>*at</c> form of these calls before Linux 6.13, so a name is reached through <c>/proc/self/fd/N/name</c>: the kernel takes
/// the directory from the descriptor, and the <c>l</c> calls do not follow the last component.
/// </remarks>
[SkipLocalsInit]
public static unsafe class ExtendedAttributes
{
    /// <summary>The kernel's limit for one value and for a list of names (<c>XATTR_SIZE_MAX</c>, <c>XATTR_LIST_MAX</c>).</summary>
    private const int Limit = 65536;

    private static readonly SearchValues<byte> ForbiddenInName = SearchValues.Create((byte)0, (byte)'/');

    public static void Set(Fd file, string attribute, ReadOnlySpan<byte> value) => TrySet(file, attribute, value).Check("set attribute", attribute);

    public static KernelResult TrySet(Fd file, FilePath attribute, ReadOnlySpan<byte> value)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var name = new PathBuffer(attribute, scratch);
        fixed (byte* n = name, v = value) return Syscall.Call(SyscallNumber.Fsetxattr, file.Number, (nint)n, (nint)v, value.Length);
    }

    public static KernelResult TrySet(DirectoryFd directory, FilePath file, FilePath attribute, ReadOnlySpan<byte> value)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], nameScratch = stackalloc byte[PathBuffer.Scratch];
        using var path = new PathBuffer(Through(directory, file), scratch);
        using var name = new PathBuffer(attribute, nameScratch);
        fixed (byte* p = path, n = name, v = value) return Syscall.Call(SyscallNumber.Lsetxattr, (nint)p, (nint)n, (nint)v, value.Length);
    }

    /// <summary>The value, or null when the file has no such attribute or its file system knows none.</summary>
    public static byte[]? Get(Fd file, FilePath attribute)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var name = new PathBuffer(attribute, scratch);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Limit);
        try
        {
            fixed (byte* n = name, v = rented)
                return Value(Syscall.Call(SyscallNumber.Fgetxattr, file.Number, (nint)n, (nint)v, Limit), rented, attribute);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public static byte[]? Get(DirectoryFd directory, FilePath file, FilePath attribute)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], nameScratch = stackalloc byte[PathBuffer.Scratch];
        using var path = new PathBuffer(Through(directory, file), scratch);
        using var name = new PathBuffer(attribute, nameScratch);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Limit);
        try
        {
            fixed (byte* p = path, n = name, v = rented)
                return Value(Syscall.Call(SyscallNumber.Lgetxattr, (nint)p, (nint)n, (nint)v, Limit), rented, attribute);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static byte[]? Value(KernelResult result, byte[] buffer, FilePath attribute)
    {
        if (result.Errno is Errno.ENODATA or Errno.EOPNOTSUPP) return null;
        return buffer[..(int)result.Check("get attribute", attribute)];
    }

    /// <summary>Names of all attributes that the caller may see; none on a file system without them.</summary>
    public static IReadOnlyList<string> List(Fd file)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(Limit);
        try
        {
            fixed (byte* v = rented) return Names(Syscall.Call(SyscallNumber.Flistxattr, file.Number, (nint)v, Limit), rented);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public static IReadOnlyList<string> List(DirectoryFd directory, FilePath file)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var path = new PathBuffer(Through(directory, file), scratch);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Limit);
        try
        {
            fixed (byte* p = path, v = rented) return Names(Syscall.Call(SyscallNumber.Llistxattr, (nint)p, (nint)v, Limit), rented);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static List<string> Names(KernelResult result, byte[] buffer)
    {
        var names = new List<string>();
        if (result.Errno == Errno.EOPNOTSUPP) return names;
        var rest = buffer.AsSpan(0, (int)result.Check("list attributes"));
        for (int end; (end = rest.IndexOf((byte)0)) >= 0; rest = rest[(end + 1)..]) names.Add(Encoding.UTF8.GetString(rest[..end]));
        return names;
    }

    /// <summary>Takes an attribute away; one that is not there is no error.</summary>
    public static void Remove(Fd file, FilePath attribute)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var name = new PathBuffer(attribute, scratch);
        fixed (byte* n = name) CheckRemoval(Syscall.Call(SyscallNumber.Fremovexattr, file.Number, (nint)n), attribute);
    }

    public static void Remove(DirectoryFd directory, FilePath file, FilePath attribute)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], nameScratch = stackalloc byte[PathBuffer.Scratch];
        using var path = new PathBuffer(Through(directory, file), scratch);
        using var name = new PathBuffer(attribute, nameScratch);
        fixed (byte* p = path, n = name) CheckRemoval(Syscall.Call(SyscallNumber.Lremovexattr, (nint)p, (nint)n), attribute);
    }

    private static void CheckRemoval(KernelResult result, FilePath attribute)
    {
        if (result.Errno is Errno.ENODATA or Errno.EOPNOTSUPP) return;
        result.Check("remove attribute", attribute);
    }

    private static byte[] Through(DirectoryFd directory, FilePath file)
    {
        byte[] prefix = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.Number}/"));
        byte[] path = new byte[prefix.Length + file.MaxSize];
        prefix.CopyTo(path, 0);
        file.CopyTo(path.AsSpan(prefix.Length));
        int length = prefix.Length + path.AsSpan(prefix.Length).IndexOf((byte)0);
        if (path.AsSpan(prefix.Length, length - prefix.Length).ContainsAny(ForbiddenInName)) throw new ArgumentException("expected one name, not a path", nameof(file));
        return path[..length];
    }
}
