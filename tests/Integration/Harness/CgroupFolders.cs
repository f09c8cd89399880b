namespace Gantry.Integration.Harness;

/// <summary>A cgroup at the top of every hierarchy of this machine, by its name.</summary>
internal static class CgroupFolders
{
    /// <summary>The group and what is below it, in every hierarchy; deepest first.</summary>
    public static IEnumerable<string> Of(string name) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(hierarchy => Path.Combine(hierarchy, name)).Where(Directory.Exists)
            .SelectMany(group => Directory.EnumerateDirectories(group, "*", SearchOption.AllDirectories).Append(group))
            .OrderByDescending(group => group.Length);

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
