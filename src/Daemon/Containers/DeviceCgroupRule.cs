using System.Globalization;
using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <summary>A rule as <c>--device-cgroup-rule</c> takes it: <c>c 42:* rmw</c>.</summary>
internal static partial class DeviceCgroupRule
{
    [GeneratedRegex("^([acb]) ([0-9]+|\\*):([0-9]+|\\*) ([rwm]{1,3})$")]
    private static partial Regex Form();

    /// <exception cref="EngineException">400 <c>invalid device cgroup rule format: 'X'</c>.</exception>
    public static DeviceRuleSpec Parse(string rule)
    {
        var match = Form().Match(rule);
        if (!match.Success) throw EngineException.InvalidParameter($"invalid device cgroup rule format: '{rule}'");
        return new DeviceRuleSpec { Allow = true, Type = match.Groups[1].Value, Major = Number(match.Groups[2].Value), Minor = Number(match.Groups[3].Value), Access = match.Groups[4].Value };
    }

    private static long? Number(string text) => text == "*" ? null : long.Parse(text, CultureInfo.InvariantCulture);
}
