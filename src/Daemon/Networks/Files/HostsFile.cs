using System.Net;
using System.Text;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Networks.Files;

/// <summary>The text of a container's <c>/etc/hosts</c> (reference 5.10).</summary>
internal static class HostsFile
{
    /// <summary>The word in extra hosts that stands for the host as containers see it.</summary>
    public const string HostGateway = "host-gateway";

    private const string LocalHost = "127.0.0.1\tlocalhost\n";

    private const string LocalHostV6 =
        "::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    /// <param name="ipv6">Whether the container has IPv6 at all, be it only on its loopback.</param>
    /// <param name="extraHosts"><c>name:address</c>.</param>
    /// <param name="hostGateway">What <see cref="HostGateway"/> stands for; empty when there is nothing.</param>
    /// <param name="links">Address, and the names behind it.</param>
    /// <param name="own">The container's addresses.</param>
    /// <exception cref="EngineException">400 for an entry that is none.</exception>
    public static string Build(bool ipv6, IEnumerable<string> extraHosts, string hostGateway, IEnumerable<(string Address, string Names)> links,
        IEnumerable<string> own, string hostname, string domainname)
    {
        var text = new StringBuilder(LocalHost);
        if (ipv6) text.Append(LocalHostV6);
        foreach (string entry in extraHosts)
        {
            var (name, address) = ParseExtraHost(entry);
            if (address == HostGateway)
            {
                address = hostGateway.Length > 0
                    ? hostGateway
                    : throw EngineException.InvalidParameter("unable to derive the IP value for host-gateway");
            }
            text.Append(address).Append('\t').Append(name).Append('\n');
        }
        foreach (var (address, names) in links) text.Append(address).Append('\t').Append(names).Append('\n');
        string names2 = domainname.Length > 0 ? $"{hostname}.{domainname} {hostname}" : hostname;
        if (hostname.Length > 0)
            foreach (string address in own) text.Append(address).Append('\t').Append(names2).Append('\n');
        return text.ToString();
    }

    /// <summary>Takes <c>name:address</c> apart, whose address may be IPv6, in brackets or without.</summary>
    /// <exception cref="EngineException">400 for what is no such thing.</exception>
    public static (string Name, string Address) ParseExtraHost(string entry)
    {
        int colon = entry.IndexOf(':');
        if (colon <= 0) throw EngineException.InvalidParameter($"bad format for add-host: \"{entry}\"");
        string name = entry[..colon], address = entry[(colon + 1)..].Trim();
        if (address is ['[', .. var inner, ']']) address = inner;
        return address == HostGateway || IPAddress.TryParse(address, out _)
            ? (name, address)
            : throw EngineException.InvalidParameter($"invalid IP address in add-host: \"{address}\"");
    }
}
