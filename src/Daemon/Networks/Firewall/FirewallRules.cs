using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Daemon.Networks.Firewall;

/// <summary>The texts of the nft language that make up the engine's table. Pure: the same model gives the same text.</summary>
/// <remarks>
/// The table <c>inet NAME</c> translates and filters what is routed. Where containers of a bridge must not reach each other, what is only switched has to
/// be filtered too: br_netfilter brings it to the same chains, and where that is not loaded a twin <c>bridge NAME</c> does it. Published ports and links
/// are elements of maps and sets, so that a container comes and goes with a change of a few elements.
/// </remarks>
internal static class FirewallRules
{
    private const string Published = "published", PublishedAnywhere = "published_anywhere", Own = "own", Links = "links";

    /// <summary>Replaces whatever is there by the whole model, in one transaction.</summary>
    /// <param name="switched">The twin is needed.</param>
    /// <param name="relays">A container that connects to its own published port is led by a relay.</param>
    public static string Replace(string table, IReadOnlyCollection<FirewallBridge> bridges, IReadOnlyCollection<PublishedPort> ports, IReadOnlyCollection<FirewallLink> links, bool switched, bool relays)
    {
        var text = new StringBuilder();
        // Adding what exists does nothing, and so deleting never fails.
        text.Append(Remove(table, switched));
        Routed(text, table, bridges, ports, links, relays);
        if (switched) Switched(text, table, bridges, links);
        return text.ToString();
    }

    /// <summary>Takes the table away.</summary>
    /// <param name="switched">The twin too; a kernel without that family refuses its name.</param>
    public static string Remove(string table, bool switched) =>
        $"add table inet {table}\ndelete table inet {table}\n" + (switched ? $"add table bridge {table}\ndelete table bridge {table}\n" : "");

    private static void Routed(StringBuilder text, string table, IReadOnlyCollection<FirewallBridge> bridges, IReadOnlyCollection<PublishedPort> ports, IReadOnlyCollection<FirewallLink> links, bool relays)
    {
        text.Append(CultureInfo.InvariantCulture, $$"""
            table inet {{table}} {
                map {{Published}} {
                    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
            {{Elements(ports.Where(p => Is4(p) && !IsAny(p)).Select(Element))}}    }
                map {{PublishedAnywhere}} {
                    type inet_proto . inet_service : ipv4_addr . inet_service
            {{Elements(ports.Where(p => Is4(p) && IsAny(p)).Select(Element))}}    }
                # A container at its own published port: sent back where it came from, a packet would not pass the bridge. The relay takes it.
                set {{Own}} {
                    type ipv4_addr . inet_proto . inet_service
            {{Elements(ports.Where(p => relays && IsRelayed(p)).Select(OwnElement).Distinct())}}    }
                set {{Links}} {
                    type ipv4_addr . ipv4_addr . inet_proto . inet_service
            {{Elements(links.Select(Element))}}    }
                set bridges {
                    type ifname
            {{Elements(bridges.Select(b => $"\"{b.Name}\""))}}    }

                chain strangers {
                    type filter hook prerouting priority raw; policy accept;
                    # The bridges route the host's loopback network for connections that began there; from a container nothing may go to it.
                    iifname @bridges ip daddr 127.0.0.0/8 drop
                }
                chain prerouting {
                    type nat hook prerouting priority dstnat; policy accept;
                    iifname @bridges ip saddr . meta l4proto . th dport @{{Own}} return
                    jump translate
                }
                chain output {
                    type nat hook output priority -100; policy accept;
                    jump translate
                }
                chain translate {
                    meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @{{Published}}
                    meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @{{PublishedAnywhere}}
                }
                chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    oifname @bridges ct status dnat ip saddr 127.0.0.0/8 masquerade

            """);
        foreach (var bridge in bridges)
        {
            // Answers to a neighbour would go to it directly, past the translation: its connections through a published port come from the bridge.
            text.Append(CultureInfo.InvariantCulture, $"        oifname \"{bridge.Name}\" ct status dnat ip saddr {bridge.Subnet} masquerade\n");
            if (bridge.Masquerade) text.Append(CultureInfo.InvariantCulture, $"        oifname != \"{bridge.Name}\" ip saddr {bridge.Subnet} masquerade\n");
        }
        text.Append("""
                }
                chain forward {
                    type filter hook forward priority filter; policy accept;
                    oifname @bridges ct state established,related accept
                    oifname @bridges ct status dnat accept
                    oifname @bridges ip saddr . ip daddr . meta l4proto . th dport @links accept

            """);
        foreach (var bridge in bridges.Where(b => b.InterContainer))
            text.Append(CultureInfo.InvariantCulture, $"        iifname \"{bridge.Name}\" oifname \"{bridge.Name}\" accept\n");
        text.Append("        oifname @bridges drop\n    }\n}\n");
    }

    /// <summary>For frames between two ports of a bridge that does not show them to the routed chains.</summary>
    private static void Switched(StringBuilder text, string table, IReadOnlyCollection<FirewallBridge> bridges, IReadOnlyCollection<FirewallLink> links)
    {
        text.Append(CultureInfo.InvariantCulture, $$"""
            table bridge {{table}} {
                set {{Links}} {
                    type ipv4_addr . ipv4_addr . inet_proto . inet_service
            {{Elements(links.Select(Element))}}    }
                chain forward {
                    type filter hook forward priority filter; policy accept;

            """);
        foreach (var bridge in bridges.Where(b => !b.InterContainer))
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                        meta ibrname "{{bridge.Name}}" ip saddr . ip daddr . meta l4proto . th dport @{{Links}} accept
                        meta ibrname "{{bridge.Name}}" ip daddr . ip saddr . meta l4proto . th sport @{{Links}} accept
                        meta ibrname "{{bridge.Name}}" ether type { ip, ip6 } drop

                """);
        }
        text.Append("    }\n}\n");
    }

    public static string AddPorts(string table, IReadOnlyCollection<PublishedPort> ports, bool relays) => ChangePorts("add", table, ports, relays);

    public static string RemovePorts(string table, IReadOnlyCollection<PublishedPort> ports, bool relays) => ChangePorts("delete", table, ports, relays);

    private static string ChangePorts(string verb, string table, IReadOnlyCollection<PublishedPort> ports, bool relays)
    {
        var text = new StringBuilder();
        foreach (string own in ports.Where(p => relays && IsRelayed(p)).Select(OwnElement).Distinct())
            text.Append(CultureInfo.InvariantCulture, $"{verb} element inet {table} {Own} {{ {own} }}\n");
        foreach (var port in ports.Where(Is4))
            text.Append(CultureInfo.InvariantCulture, $"{verb} element inet {table} {(IsAny(port) ? PublishedAnywhere : Published)} {{ {Element(port)} }}\n");
        return text.ToString();
    }

    /// <param name="switched">Whether the bridge family's twin exists.</param>
    public static string AddLinks(string table, IEnumerable<FirewallLink> links, bool switched) => ChangeLinks("add", table, links, switched);

    public static string RemoveLinks(string table, IEnumerable<FirewallLink> links, bool switched) => ChangeLinks("delete", table, links, switched);

    private static string ChangeLinks(string verb, string table, IEnumerable<FirewallLink> links, bool switched)
    {
        var text = new StringBuilder();
        foreach (var link in links)
        {
            text.Append(CultureInfo.InvariantCulture, $"{verb} element inet {table} {Links} {{ {Element(link)} }}\n");
            if (switched) text.Append(CultureInfo.InvariantCulture, $"{verb} element bridge {table} {Links} {{ {Element(link)} }}\n");
        }
        return text.ToString();
    }

    /// <summary>A table's name for a bridge: the default one has the short name, so that two engines with bridges of their own do not disturb each other.</summary>
    public static string TableName(string bridge)
    {
        if (bridge is NetworkOptions.DefaultBridge or NetworkOptions.NoBridge) return "gantry";
        return "gantry-" + string.Concat(bridge.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
    }

    private static bool Is4(PublishedPort port) => port.HostAddress.AddressFamily == AddressFamily.InterNetwork;

    private static bool IsAny(PublishedPort port) => port.HostAddress.Equals(System.Net.IPAddress.Any);

    private static string Element(PublishedPort port) => string.Create(CultureInfo.InvariantCulture,
        $"{(IsAny(port) ? "" : $"{port.HostAddress} . ")}{port.Protocol} . {port.HostPort} : {port.ContainerAddress} . {port.ContainerPort}");

    private static bool IsRelayed(PublishedPort port) => Is4(port) && port.Protocol is not "sctp";

    private static string OwnElement(PublishedPort port) => string.Create(CultureInfo.InvariantCulture, $"{port.ContainerAddress} . {port.Protocol} . {port.HostPort}");

    private static string Element(FirewallLink link) => string.Create(CultureInfo.InvariantCulture, $"{link.Parent} . {link.Child} . {link.Port.Protocol} . {link.Port.Number}");

    private static string Elements(IEnumerable<string> elements)
    {
        string list = string.Join(", ", elements);
        return list.Length == 0 ? "" : $"        elements = {{ {list} }}\n";
    }
}
