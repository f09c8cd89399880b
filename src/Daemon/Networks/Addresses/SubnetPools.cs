using System.Net;

namespace Gantry.Daemon.Networks.Addresses;

/// <summary>Finds a subnet for a new network: the first of the pools that nothing on this host uses (reference 5.9).</summary>
internal static class SubnetPools
{
    /// <summary>172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20.</summary>
    public static IReadOnlyList<AddressPoolOption> Default { get; } =
    [
        new(IPNetwork.Parse("172.17.0.0/16"), 16), new(IPNetwork.Parse("172.18.0.0/16"), 16), new(IPNetwork.Parse("172.19.0.0/16"), 16),
        new(IPNetwork.Parse("172.20.0.0/14"), 16), new(IPNetwork.Parse("172.24.0.0/14"), 16), new(IPNetwork.Parse("172.28.0.0/14"), 16),
        new(IPNetwork.Parse("192.168.0.0/16"), 20),
    ];

    /// <summary>Every subnet of some pools, in order. The list can be long, so it is made as it is read.</summary>
    public static IEnumerable<IPNetwork> Subnets(IEnumerable<AddressPoolOption> pools)
    {
        foreach (var pool in pools)
        {
            var family = pool.Base.BaseAddress.AddressFamily;
            UInt128 step = UInt128.One << IpNumber.Bits(family) - pool.Size;
            var (first, last) = pool.Base.Span();
            for (UInt128 number = first; number <= last && number >= first; number += step)
            {
                yield return new IPNetwork(IpNumber.ToAddress(number, family), pool.Size);
                if (last - number < step) break;
            }
        }
    }

    /// <summary>The first subnet that overlaps nothing in use; null when there is none.</summary>
    public static IPNetwork? Choose(IEnumerable<AddressPoolOption> pools, IReadOnlyCollection<IPNetwork> inUse)
    {
        foreach (var subnet in Subnets(pools))
            if (!inUse.Any(used => used.Overlaps(subnet))) return subnet;
        return null;
    }

    /// <summary>The first address of a subnet that a machine can have: the gateway's.</summary>
    public static IPAddress FirstAddress(IPNetwork subnet) =>
        IpNumber.ToAddress(subnet.BaseAddress.ToNumber() + (IpNumber.Bits(subnet.BaseAddress.AddressFamily) - subnet.PrefixLength < 2 ? UInt128.Zero : UInt128.One),
            subnet.BaseAddress.AddressFamily);
}
