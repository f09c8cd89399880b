using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Names as they stand in a layer's archive, made relative to the layer's root.</summary>
internal static class EntryPath
{
    /// <summary>The kernel's limit for a path, its ending zero included.</summary>
    private const int PathMax = 4096;

    /// <summary>Drops leading slashes, empty and <c>.</c> components, and resolves <c>..</c> by name. False when it leads above the root.</summary>
    public static bool TryClean(ReadOnlySpan<byte> name, ref byte[] buffer, out int length)
    {
        if (buffer.Length < name.Length) buffer = new byte[name.Length * 2];
        length = 0;
        while (!name.IsEmpty)
        {
            int slash = name.IndexOf((byte)'/');
            var component = slash < 0 ? name : name[..slash];
            name = slash < 0 ? default : name[(slash + 1)..];
            if (component.IsEmpty || component.SequenceEqual("."u8)) continue;
            if (component.SequenceEqual(".."u8))
            {
                if (length == 0) return false;
                length = Math.Max(buffer.AsSpan(0, length).LastIndexOf((byte)'/'), 0);
                continue;
            }
            if (length > 0) buffer[length++] = (byte)'/';
            component.CopyTo(buffer.AsSpan(length));
            length += component.Length;
        }
        return true;
    }

    /// <exception cref="KernelException"><c>ENAMETOOLONG</c>, as the kernel would say if it got the whole path.</exception>
    public static void CheckLength(ReadOnlySpan<byte> path)
    {
        if (path.Length >= PathMax) throw new KernelException("create " + FilePath.Printable(path), Errno.ENAMETOOLONG);
    }

    /// <summary>Splits a clean path into its directory, empty for the root, and its last component.</summary>
    public static ReadOnlySpan<byte> Directory(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> name)
    {
        int slash = path.LastIndexOf((byte)'/');
        name = path[(slash + 1)..];
        return slash < 0 ? default : path[..slash];
    }
}
