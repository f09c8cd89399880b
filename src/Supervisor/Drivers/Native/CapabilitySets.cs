using System.Globalization;
using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>The five capability sets of a process as bit masks (capabilities(7)).</summary>
internal readonly record struct CapabilitySets(ulong Bounding, ulong Effective, ulong Permitted, ulong Inheritable, ulong Ambient)
{
    /// <summary>The highest capability that this kernel knows.</summary>
    public static readonly int Last = int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), CultureInfo.InvariantCulture);

    /// <summary>A spec without capabilities leaves none. Only what is permitted and inheritable can be ambient (capabilities(7)): <c>runc spec</c> asks for more, and no runtime minds.</summary>
    public static CapabilitySets Of(CapabilitiesSpec? spec)
    {
        if (spec is null) return default;
        ulong permitted = Mask(spec.Permitted), inheritable = Mask(spec.Inheritable);
        return new(Mask(spec.Bounding), Mask(spec.Effective), permitted, inheritable, Mask(spec.Ambient) & permitted & inheritable);
    }

    private static ulong Mask(List<string>? names)
    {
        ulong mask = 0;
        foreach (string name in names ?? [])
            if (CapabilitySet.TryParse(name, out var set)) mask |= (set & CapabilitySet.Supported).Bits;   // one that this kernel does not know cannot be granted
        return mask;
    }
}
