namespace Gantry.Daemon.Networks;

/// <summary>A link of the old kind: a container that another one, its parent, knows by an alias (reference 5.11).</summary>
/// <param name="Target">The linked container's name or id.</param>
internal readonly record struct LinkSpec(string Target, string Alias)
{
    /// <summary>Reads <c>name</c>, <c>name:alias</c> or <c>/name:/parent/alias</c>.</summary>
    public static LinkSpec Parse(string text)
    {
        string[] parts = text.Split(':', 2);
        string target = parts[0].TrimStart('/'), alias = parts.Length == 2 ? parts[1] : target;
        return new LinkSpec(target, alias[(alias.LastIndexOf('/') + 1)..]);
    }
}
