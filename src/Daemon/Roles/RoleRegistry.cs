namespace Gantry.Daemon.Roles;

/// <summary>The programs that this one executable can be: a name as in <c>argv[0]</c>, and what runs under it (reference A2).</summary>
internal sealed class RoleRegistry
{
    private readonly Dictionary<string, Func<string[], int>> roles = new(StringComparer.Ordinal);

    /// <summary>Adds a role. A name that is taken is a defect of the program, which must not run at all.</summary>
    /// <exception cref="InvalidOperationException">The name is taken.</exception>
    public void Register(string name, Func<string[], int> main)
    {
        if (!roles.TryAdd(name, main)) throw new InvalidOperationException($"the role {name} is registered twice");
    }

    /// <summary>Finds a role by <c>argv[0]</c>: first the exact text, then its last path element, so that a symbolic link anywhere works.</summary>
    public Func<string[], int>? Find(string argv0) =>
        roles.TryGetValue(argv0, out var main) || roles.TryGetValue(Path.GetFileName(argv0), out main) ? main : null;
}
