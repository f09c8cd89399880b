using System.Text;

namespace Gantry.Daemon.Roles;

/// <summary>The name under which this process was started.</summary>
internal static class InvokedName
{
    /// <summary><c>argv[0]</c> as the kernel has it: the runtime's own argument list starts with the assembly's path instead.</summary>
    public static string Read()
    {
        byte[] line = File.ReadAllBytes("/proc/self/cmdline");
        int end = Array.IndexOf(line, (byte)0);
        return Encoding.UTF8.GetString(line, 0, end < 0 ? line.Length : end);
    }
}
