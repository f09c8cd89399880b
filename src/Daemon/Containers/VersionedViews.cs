using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>Answers in the form of older API versions (reference 4.6).</summary>
internal static class VersionedViews
{
    /// <summary>Below 1.44 a MAC address that was asked for is also part of the config.</summary>
    public static ContainerInspect Adapt(ContainerInspect inspect, string? macAddress, Version version)
    {
        if (version >= new Version(1, 44)) return inspect;
        return string.IsNullOrEmpty(macAddress) ? inspect : inspect with { Config = inspect.Config with { MacAddress = macAddress } };
    }
}
