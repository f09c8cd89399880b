using Gantry.Daemon.Engine;
using Gantry.Linux.Security;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Execution;

/// <summary>Which capabilities a container gets (reference 5.13).</summary>
internal static class CapabilityRules
{
    private static readonly string[] Defaults =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>Names with prefix. What this engine does not have itself it cannot give: privileged means all that it has.</summary>
    /// <exception cref="EngineException">400 <c>invalid CapAdd: unknown capability: "CAP_X"</c>.</exception>
    public static IReadOnlyList<string> Of(HostConfig host)
    {
        var add = Normalise(host.CapAdd, "CapAdd");
        var drop = Normalise(host.CapDrop, "CapDrop");
        if (host.Privileged) return CapabilitySet.Held.Names;
        if (add.Contains("ALL")) return [.. CapabilitySet.Held.Names.Where(c => !drop.Contains(c))];
        if (drop.Contains("ALL")) return [.. add.Where(c => c != "ALL")];
        return [.. Defaults.Where(c => !drop.Contains(c)), .. add.Where(c => !Defaults.Contains(c) || drop.Contains(c))];
    }

    private static HashSet<string> Normalise(List<string>? names, string field)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names ?? [])
        {
            string upper = name.ToUpperInvariant();
            if (upper == "ALL")
            {
                known.Add(upper);
                continue;
            }
            if (!upper.StartsWith("CAP_", StringComparison.Ordinal)) upper = "CAP_" + upper;
            if (upper == "CAP_ALL" || !CapabilitySet.TryParse(upper, out _)) throw EngineException.InvalidParameter($"invalid {field}: unknown capability: \"{upper}\"");
            known.Add(upper);
        }
        return known;
    }
}
