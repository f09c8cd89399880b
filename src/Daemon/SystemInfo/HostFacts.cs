using System.Globalization;
using System.Runtime.InteropServices;

namespace Gantry.Daemon.SystemInfo;

/// <summary>Facts about the machine, read from <c>/proc</c>, <c>/sys</c> and <c>/etc</c> when they are asked for.</summary>
internal static class HostFacts
{
    /// <summary><c>6.18.44</c>.</summary>
    public static string KernelVersion => ReadLine("/proc/sys/kernel/osrelease");

    public static string HostName => ReadLine("/proc/sys/kernel/hostname");

    /// <summary>In the words of Go: <c>amd64</c>, <c>arm64</c>.</summary>
    public static string GoArchitecture => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>In the words of uname(2): <c>x86_64</c>, <c>aarch64</c>.</summary>
    public static string MachineArchitecture => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => "aarch64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>Name and version of the distribution (os-release(5)).</summary>
    public static (string Name, string Version) OperatingSystem
    {
        get
        {
            string? name = null, version = null;
            foreach (string path in (string[])["/etc/os-release", "/usr/lib/os-release"])
            {
                if (!File.Exists(path)) continue;
                foreach (string line in File.ReadLines(path))
                {
                    if (line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal)) name = line[12..].Trim('"', '\'');
                    if (line.StartsWith("VERSION_ID=", StringComparison.Ordinal)) version = line[11..].Trim('"', '\'');
                }
                break;
            }
            return (name ?? "Linux", version ?? "");
        }
    }

    /// <summary>Bytes of memory.</summary>
    public static long Memory
    {
        get
        {
            foreach (string line in File.ReadLines("/proc/meminfo"))
            {
                if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(9).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
            }
            return 0;
        }
    }

    public static bool IPv4Forwarding => ReadLine("/proc/sys/net/ipv4/ip_forward") == "1";

    public static bool HasSeccomp => File.Exists("/proc/sys/kernel/seccomp/actions_avail");

    public static bool HasAppArmor => ReadLine("/sys/module/apparmor/parameters/enabled") == "Y";

    public static int OpenDescriptors => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>Threads of this process: the nearest thing to what Docker counts.</summary>
    public static int Threads => Directory.GetDirectories("/proc/self/task").Length;

    /// <summary>A program of the search path, or null.</summary>
    public static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static string ReadLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
