using System.Globalization;
using Gantry.Daemon.Options;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Hosting;

/// <summary>Turns <c>--userns-remap</c> into a user namespace, by the host's <c>/etc/subuid</c> and <c>/etc/subgid</c> (subuid(5)).</summary>
internal static class SubordinateIds
{
    private const string DefaultUser = "dockremap";

    /// <param name="remap"><c>default</c>, <c>user</c>, <c>user:group</c>; names or numbers.</param>
    /// <exception cref="OptionsException">No ids are set aside for that user or group.</exception>
    public static UserNamespace Open(string remap)
    {
        string[] parts = (remap == "default" ? DefaultUser : remap).Split(':');
        if (parts.Length > 2 || parts.Any(p => p.Length == 0)) throw new OptionsException($"invalid --userns-remap \"{remap}\": user[:group] or default is wanted");
        var users = Ranges("/etc/subuid", File.ReadAllLines, "/etc/passwd", parts[0]);
        var groups = Ranges("/etc/subgid", File.ReadAllLines, "/etc/group", parts[^1]);
        return UserNamespace.Create(users, groups);
    }

    /// <summary>The ranges of all lines for an owner, one after another from 0 on.</summary>
    internal static IReadOnlyList<IdRange> Ranges(string file, Func<string, string[]> read, string accounts, string owner)
    {
        HashSet<string> names = [owner, .. OtherNames(read, accounts, owner)];
        var ranges = new List<IdRange>();
        uint next = 0;
        foreach (string line in Lines(read, file))
        {
            string[] fields = line.Split(':');
            if (fields.Length != 3 || !names.Contains(fields[0]) || !uint.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint first) || !uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint count)) continue;
            if (count == 0) continue;
            ranges.Add(new IdRange(next, first, count));
            next += count;
        }
        return ranges.Count > 0 ? ranges : throw new OptionsException($"no ids are set aside for \"{owner}\" in {file}: add a line such as {owner}:100000:65536");
    }

    /// <summary>An account's name for its number, and the other way round.</summary>
    private static IEnumerable<string> OtherNames(Func<string, string[]> read, string accounts, string owner)
    {
        foreach (string line in Lines(read, accounts))
        {
            string[] fields = line.Split(':');
            if (fields.Length < 3) continue;
            if (fields[0] == owner) yield return fields[2];
            else if (fields[2] == owner) yield return fields[0];
        }
    }

    private static string[] Lines(Func<string, string[]> read, string file)
    {
        try
        {
            return read(file);
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }
}
