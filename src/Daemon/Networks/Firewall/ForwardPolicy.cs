using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Gantry.Linux.Networking;

namespace Gantry.Daemon.Networks.Firewall;

/// <summary>Lets our bridges through another engine's or firewall's iptables rules, whose FORWARD policy may be DROP.</summary>
/// <remarks>
/// An accept in our own chain does not save a packet from a drop in somebody else's. dockerd sets the policy and leaves the chain DOCKER-USER for what
/// the host's owner wants: two rules for each of our bridges are put there, or straight into FORWARD where there is no such chain. What is not to be
/// forwarded our own chain still drops. iptables of the old kind (not over nftables) is out of sight here; its owner has to admit the bridge himself.
/// </remarks>
internal static partial class ForwardPolicy
{
    private const string UserChain = "DOCKER-USER", ForwardChain = "FORWARD";

    /// <returns>True when something had to be let in.</returns>
    public static bool Admit(Nftables nft, IReadOnlyCollection<FirewallBridge> bridges)
    {
        if (bridges.Count == 0 || TryList(nft, ForwardChain) is not { } forward || !forward.Contains("policy drop", StringComparison.Ordinal)) return false;
        string chain = UserChain, rules = TryList(nft, UserChain) ?? "";
        if (rules.Length == 0) (chain, rules) = (ForwardChain, forward);
        var text = new StringBuilder();
        foreach (var bridge in bridges)
        {
            foreach (string direction in (ReadOnlySpan<string>)["iifname", "oifname"])
                if (!Accepts(direction, bridge.Name).IsMatch(rules))
                    text.Append(CultureInfo.InvariantCulture, $"insert rule ip filter {chain} {direction} \"{bridge.Name}\" counter accept\n");
        }
        if (text.Length > 0) nft.Run(text.ToString());
        return text.Length > 0;
    }

    public static void Withdraw(Nftables nft, IReadOnlyCollection<FirewallBridge> bridges)
    {
        foreach (string chain in (ReadOnlySpan<string>)[UserChain, ForwardChain])
        {
            if (TryList(nft, chain) is not { } rules) continue;
            var text = new StringBuilder();
            foreach (var bridge in bridges)
            {
                foreach (string direction in (ReadOnlySpan<string>)["iifname", "oifname"])
                    foreach (Match match in Accepts(direction, bridge.Name).Matches(rules))
                        text.Append(CultureInfo.InvariantCulture, $"delete rule ip filter {chain} handle {match.Groups[1].Value}\n");
            }
            if (text.Length > 0) nft.Run(text.ToString());
        }
    }

    /// <summary>A chain of iptables' filter table with the handles of its rules; null when there is none.</summary>
    private static string? TryList(Nftables nft, string chain)
    {
        try
        {
            return nft.Run($"list chain ip filter {chain}", handles: true);
        }
        catch (NftablesException)
        {
            return null;
        }
    }

    private static Regex Accepts(string direction, string bridge) =>
        new($"^\\s*{direction} \"{Regex.Escape(bridge)}\" counter packets \\d+ bytes \\d+ accept # handle (\\d+)$", RegexOptions.Multiline | RegexOptions.CultureInvariant);
}
