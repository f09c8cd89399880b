using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

/// <summary>Devices that every container may use, whatever its bundle denies: those that the specification has a runtime make, and terminals. Nodes may be made of any.</summary>
internal static class DefaultDevices
{
    public static void Allow(RuntimeSpec spec)
    {
        if (spec.Linux.Resources?.Devices is not { } rules) return;
        foreach (string type in (string[])["c", "b"]) rules.Add(new DeviceRuleSpec { Allow = true, Type = type, Access = "m" });
        foreach (var (major, minor) in ((long, long?)[])[(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, null)])
            rules.Add(new DeviceRuleSpec { Allow = true, Type = "c", Major = major, Minor = minor, Access = "rwm" });
    }
}
