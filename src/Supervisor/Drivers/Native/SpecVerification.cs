using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Refuses what a spec must not ask for, before anything is made. The words are those of OCI runtimes.</summary>
internal static class SpecVerification
{
    private static readonly HashSet<string> IpcSysctls = new(StringComparer.Ordinal)
    {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    };

    public static void Verify(RuntimeSpec spec, IReadOnlyDictionary<string, Fd> joined)
    {
        foreach (var limit in spec.Process?.Rlimits ?? [])
        {
            if (ResourceLimits.Number(limit.Type) is null) throw Refused($"wrong rlimit value: {limit.Type}");
        }
        foreach (string sysctl in spec.Linux.Sysctl?.Keys ?? Enumerable.Empty<string>()) VerifySysctl(sysctl, spec, joined);
    }

    /// <summary>Files below /proc that programs such as lxcfs emulate; nothing else may be mounted there.</summary>
    private static readonly HashSet<string> EmulatedProcFiles = new(StringComparer.Ordinal)
    {
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    };

    /// <summary>
    /// A container's /proc is a proc file system, whole: what is written there at the start (sysctls, labels) and what is masked counts on it
    /// (CVE-2019-16884, CVE-2025-52881). Destinations have their links resolved.
    /// </summary>
    public static void VerifyMounts(RuntimeSpec spec, IReadOnlyDictionary<int, Fd> sources)
    {
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            var mount = spec.Mounts[i];
            if (mount.Destination == "/proc")
            {
                bool proc = sources.TryGetValue(i, out var source) ? FileSystemType.Of(source) == FileSystemType.Proc : mount.Type == "proc";
                if (!proc) throw Refused(Text(mount, "it is not of type proc"));
            }
            else if (mount.Destination.StartsWith("/proc/", StringComparison.Ordinal) && !EmulatedProcFiles.Contains(mount.Destination))
            {
                throw Refused(Text(mount, "it is inside /proc"));
            }
        }

        static string Text(MountSpec mount, string reason) => $"error mounting \"{mount.Source}\" to rootfs at \"{mount.Destination}\": \"{mount.Destination}\" cannot be mounted because {reason}";
    }

    /// <summary>Only values that belong to a namespace of the container may be set: any other would change the host.</summary>
    private static void VerifySysctl(string name, RuntimeSpec spec, IReadOnlyDictionary<string, Fd> joined)
    {
        string dotted = name.Contains('/', StringComparison.Ordinal) ? name.Replace('/', '.') : name;
        bool Own(string type) => spec.Linux.Namespaces.Any(n => n.Type == type) || joined.ContainsKey(type);
        if (dotted.StartsWith("net.", StringComparison.Ordinal))
        {
            if (!Own("network")) throw Refused($"sysctl \"{name}\" not allowed in host network namespace");
        }
        else if (IpcSysctls.Contains(dotted) || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal))
        {
            if (!Own("ipc")) throw Refused($"sysctl \"{name}\" is not allowed in the hosts ipc namespace");
        }
        else if (dotted is "kernel.domainname")
        {
            if (!Own("uts")) throw Refused($"sysctl \"{name}\" is not allowed in the hosts uts namespace");
        }
        else
        {
            throw Refused(dotted == "kernel.hostname" ? $"sysctl \"{name}\" is not allowed as it conflicts with the OCI \"hostname\" field" : $"sysctl \"{name}\" is not in a separate kernel namespace");
        }
    }

    private static DriverException Refused(string message) => new(new Failure { Message = message });
}
