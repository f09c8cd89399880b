using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>The files below <c>/proc/sys/net</c>, which show the namespace of the thread that opens them.</summary>
public static class SystemControl
{
    /// <param name="name">With slashes: <c>net/ipv4/ip_forward</c>. (A device's name may hold dots.)</param>
    /// <returns>The value without its line end, or null when the kernel has no such setting.</returns>
    public static string? TryRead(string name)
    {
        nint fd = OpenFile.TryOpen("/proc/sys/" + name, OpenFlags.ReadOnly);
        if (fd < 0) return null;
        using var file = new Fd((int)fd);
        Span<byte> text = stackalloc byte[256];
        int length = Cgroups.ControlFile.Read(file.Number, text);
        return length < 0 ? null : Encoding.ASCII.GetString(text[..length].TrimEnd((byte)'\n'));
    }

    /// <exception cref="KernelException">There is no such setting, it is read-only here, or the value is refused.</exception>
    public static void Write(string name, string value)
    {
        using var file = OpenFile.Open("/proc/sys/" + name, OpenFlags.WriteOnly);
        int result = Cgroups.ControlFile.Write(file.Number, Encoding.ASCII.GetBytes(value));
        if (result < 0) throw new KernelException($"write {value} to /proc/sys/{name}", (Errno)(-result));
    }

    /// <summary>False when the setting is not there or cannot be written.</summary>
    public static bool TryWrite(string name, string value)
    {
        nint fd = OpenFile.TryOpen("/proc/sys/" + name, OpenFlags.WriteOnly);
        if (fd < 0) return false;
        using var file = new Fd((int)fd);
        return Cgroups.ControlFile.Write(file.Number, Encoding.ASCII.GetBytes(value)) == 0;
    }
}
