namespace Gantry.Integration.Harness;

/// <summary>Cgroups of this machine in all its hierarchies, by their names. Other tests make and remove groups all the time.</summary>
internal static class CgroupFolders
{
    private static IEnumerable<string> Hierarchies => Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup");

    /// <summary>The group and what is below it, in every hierarchy; deepest first.</summary>
    public static IEnumerable<string> Of(string name) =>
        Hierarchies.Select(hierarchy => Path.Combine(hierarchy, name)).Where(Directory.Exists).SelectMany(Tree).OrderByDescending(group => group.Length);

    /// <summary>Groups with a container's id as their name, at the top of a hierarchy or below any group there.</summary>
    public static IEnumerable<string> OfContainer(string id) =>
        Hierarchies.SelectMany(hierarchy => Children(hierarchy).Prepend(hierarchy)).Select(parent => Path.Combine(parent, id)).Where(Directory.Exists);

    private static IEnumerable<string> Tree(string group) => Children(group).SelectMany(Tree).Append(group);

    /// <summary>None when somebody removes the group meanwhile.</summary>
    private static string[] Children(string group)
    {
        try
        {
            return Directory.GetDirectories(group);
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Removes a group that containers were given as parent; one that somebody else uses stays.</summary>
    public static void RemoveUnused(string name)
    {
        foreach (string group in Of(name).ToList())
        {
            try
            {
                Directory.Delete(group);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is in use.
            }
        }
    }
}
