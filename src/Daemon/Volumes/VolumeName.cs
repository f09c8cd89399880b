using System.Text.RegularExpressions;

namespace Gantry.Daemon.Volumes;

/// <summary>What a local volume may be called.</summary>
internal static partial class VolumeName
{
    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
    private static partial Regex Allowed();

    public static bool IsValid(string name) => name.Length is > 1 and <= 255 && Allowed().IsMatch(name);
}
