using System.Globalization;
using System.Net;
using Gantry.Linux.Networking;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>Which ports of the host the engine has given out, and which ephemeral one comes next (reference 5.6).</summary>
internal sealed class PortTable
{
    private static readonly (int First, int Last) Fallback = (49153, 65535);

    private readonly Dictionary<(string Protocol, int Port), List<IPAddress>> taken = [];
    private readonly Dictionary<(string Protocol, IPAddress Address), int> lastGiven = [];
    private readonly Lock gate = new();

    /// <summary>Takes a port on several addresses at once, if it is free on all of them.</summary>
    /// <returns>Null when it was, else an address that has it already.</returns>
    public IPAddress? Take(string protocol, IReadOnlyList<IPAddress> addresses, int port)
    {
        lock (gate)
        {
            if (taken.TryGetValue((protocol, port), out var holders))
                foreach (var address in addresses)
                    if (holders.Find(h => Conflict(h, address)) is { } holder) return holder;
            holders ??= taken[(protocol, port)] = [];
            holders.AddRange(addresses);
            return null;
        }
    }

    public void Release(string protocol, IPAddress address, int port)
    {
        lock (gate)
        {
            if (!taken.TryGetValue((protocol, port), out var holders)) return;
            holders.Remove(address);
            if (holders.Count == 0) taken.Remove((protocol, port));
        }
    }

    /// <summary>A port on every address of a family is on each of them.</summary>
    private static bool Conflict(IPAddress one, IPAddress other) =>
        one.AddressFamily == other.AddressFamily && (one.Equals(other) || IsAny(one) || IsAny(other));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>The ports to try: those that were asked for in order, ephemeral ones from the one after the last that was given out.</summary>
    public IEnumerable<int> Candidates(string protocol, IPAddress address, HostPorts wanted, (int First, int Last) ephemeral)
    {
        var (first, last) = wanted.IsAny ? ephemeral : (wanted.First, wanted.Last);
        int start = first;
        if (wanted.IsAny)
            lock (gate) start = lastGiven.TryGetValue((protocol, address), out int previous) && previous >= first && previous < last ? previous + 1 : first;
        for (int i = 0; i <= last - first; i++) yield return first + (start - first + i) % (last - first + 1);
    }

    /// <summary>Remembers where the next ephemeral port is looked for.</summary>
    public void Gave(string protocol, IPAddress address, int port)
    {
        lock (gate) lastGiven[(protocol, address)] = port;
    }

    /// <summary>The kernel's own range of ephemeral ports. To be called in the host's namespace.</summary>
    public static (int First, int Last) EphemeralRange()
    {
        string[] parts = SystemControl.TryRead("net/ipv4/ip_local_port_range")?.Split('\t', ' ') ?? [];
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) && first > 0 && last >= first
            ? (first, last)
            : Fallback;
    }
}
