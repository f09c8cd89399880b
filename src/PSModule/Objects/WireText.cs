using System.Globalization;
using System.Text.RegularExpressions;

namespace Gantry.PowerShell.Objects;

/// <summary>Reads the words and phrases that the API writes for people into values.</summary>
internal static partial class WireText
{
    public static ContainerState State(string text) => Enum.TryParse<ContainerState>(text, ignoreCase: true, out var state) ? state : ContainerState.Unknown;

    public static ContainerHealth Health(string? text) => Enum.TryParse<ContainerHealth>(text, ignoreCase: true, out var health) ? health : ContainerHealth.None;

    /// <summary>From a list row's status: <c>Up 3 seconds (healthy)</c>, <c>Up 1 second (health: starting)</c>.</summary>
    public static ContainerHealth HealthOfStatus(string status)
    {
        if (!status.EndsWith(')')) return ContainerHealth.None;
        string inside = status[(status.LastIndexOf('(') + 1)..^1];
        return Health(inside.Replace("health: ", "", StringComparison.Ordinal));
    }

    /// <summary>From a list row's status: <c>Exited (3) 5 seconds ago</c>.</summary>
    public static int? ExitCodeOfStatus(string status) =>
        ExitedStatus().Match(status) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^(?:Exited|Restarting) \((-?\d+)\)")]
    private static partial Regex ExitedStatus();
}
