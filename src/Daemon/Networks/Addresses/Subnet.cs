using System.Net;

namespace Gantry.Daemon.Networks.Addresses;

/// <summary>The addresses of one network: who has which, and which comes next.</summary>
/// <remarks>
/// The lowest free address is given out. One that was just given back rests for a moment, while the kernel takes its old namespace down and that one
/// may still answer for it; if nothing else is left, the one that has rested longest is given out all the same.
/// </remarks>
internal sealed class Subnet
{
    /// <summary>How long an address rests. The kernel takes a namespace down within tens of milliseconds when it is idle, and in a second when it is not.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(1.5);

    private readonly Dictionary<UInt128, string> leases = [];
    private readonly Dictionary<UInt128, long> resting = [];
    private readonly HashSet<UInt128> reserved = [];
    private readonly UInt128 first, last;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();

    /// <param name="range">The part of the network from which addresses are given out by themselves; null is all of it.</param>
    /// <param name="auxiliary">Addresses that other machines have.</param>
    public Subnet(IPNetwork network, IPAddress gateway, IPNetwork? range = null, IEnumerable<IPAddress>? auxiliary = null, TimeProvider? clock = null)
    {
        Network = network;
        Gateway = gateway;
        this.clock = clock ?? TimeProvider.System;
        (first, last) = (range ?? network).Span();
        var (networkAddress, broadcast) = network.Span();
        reserved.Add(gateway.ToNumber());
        foreach (var address in auxiliary ?? []) reserved.Add(address.ToNumber());
        // A network of one or two addresses has neither a name nor a broadcast address of its own (RFC 3021).
        if (IpNumber.Bits(network.BaseAddress.AddressFamily) - network.PrefixLength < 2) return;
        reserved.Add(networkAddress);
        if (network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork) reserved.Add(broadcast);
    }

    public IPNetwork Network { get; }

    public IPAddress Gateway { get; }

    public int LeaseCount
    {
        get
        {
            lock (gate) return leases.Count;
        }
    }

    /// <summary>Gives an address to an owner.</summary>
    /// <returns>Null when all are taken.</returns>
    public IPAddress? Lease(string owner)
    {
        lock (gate)
        {
            Wake();
            for (UInt128 number = first; ; number++)
            {
                if (!reserved.Contains(number) && !leases.ContainsKey(number) && !resting.ContainsKey(number)) return Take(number, owner);
                if (number == last) break;
            }
            if (resting.Count == 0) return null;
            return Take(resting.MinBy(r => r.Value).Key, owner);
        }
    }

    /// <summary>Gives a certain address to an owner.</summary>
    /// <returns>False when it lies outside, is reserved, or is somebody else's.</returns>
    public bool TryLease(IPAddress address, string owner)
    {
        if (!Network.Contains(address)) return false;
        lock (gate)
        {
            UInt128 number = address.ToNumber();
            if (reserved.Contains(number)) return false;
            if (leases.TryGetValue(number, out string? holder)) return holder == owner;
            Take(number, owner);
            return true;
        }
    }

    private IPAddress Take(UInt128 number, string owner)
    {
        resting.Remove(number);
        leases.Add(number, owner);
        return IpNumber.ToAddress(number, Network.BaseAddress.AddressFamily);
    }

    /// <summary>Takes an address back. One that nobody has is no error.</summary>
    /// <param name="rest">False when it was never in use.</param>
    public void Release(IPAddress address, bool rest = true)
    {
        lock (gate)
        {
            UInt128 number = address.ToNumber();
            if (leases.Remove(number) && rest) resting[number] = clock.GetTimestamp();
        }
    }

    private void Wake()
    {
        if (resting.Count == 0) return;
        foreach (var (number, since) in resting)
            if (clock.GetElapsedTime(since) >= Rest) resting.Remove(number);
    }
}
