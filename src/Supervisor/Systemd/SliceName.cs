namespace Gantry.Supervisor.Systemd;

/// <summary>Names of systemd's slices, and where a slice lies in the cgroup hierarchies (systemd.slice(5)): the dashes of a name are its parents.</summary>
public static class SliceName
{
    private const string Suffix = ".slice";

    /// <summary>The slice of what runs on the system's behalf, and of containers that ask for no other.</summary>
    public const string System = "system.slice";

    /// <summary>A word that systemd takes for a slice: <c>web.slice</c>, <c>web-front.slice</c>, <c>-.slice</c> for the root.</summary>
    public static bool IsValid(string name)
    {
        if (name == "-" + Suffix) return true;
        if (!name.EndsWith(Suffix, StringComparison.Ordinal) || name.Length > 255) return false;
        string stem = name[..^Suffix.Length];
        return stem.Split('-').All(part => part.Length > 0) && stem.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '\\' or '@');
    }

    /// <summary>From the root of a hierarchy: <c>/web.slice/web-front.slice</c> for <c>web-front.slice</c>; empty for <c>-.slice</c>.</summary>
    /// <exception cref="ArgumentException">Not a slice.</exception>
    public static string PathOf(string name)
    {
        if (!IsValid(name)) throw new ArgumentException($"\"{name}\" is not a slice of systemd", nameof(name));
        if (name == "-" + Suffix) return "";
        string[] parts = name[..^Suffix.Length].Split('-');
        return string.Concat(Enumerable.Range(1, parts.Length).Select(n => "/" + string.Join('-', parts.Take(n)) + Suffix));
    }
}
