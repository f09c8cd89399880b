namespace Gantry.Linux.Security;

/// <summary>Compares profiles by their content, lists included.</summary>
internal sealed class SeccompProfileComparer : IEqualityComparer<SeccompProfile>
{
    public static readonly SeccompProfileComparer Instance = new();

    public bool Equals(SeccompProfile? x, SeccompProfile? y) => ReferenceEquals(x, y) || x is not null && y is not null
        && x.DefaultAction == y.DefaultAction && x.DefaultErrnoRet == y.DefaultErrnoRet && x.ListenerPath == y.ListenerPath && x.ListenerMetadata == y.ListenerMetadata
        && Same(x.Architectures, y.Architectures) && Same(x.Flags, y.Flags) && SameRules(x.Syscalls, y.Syscalls);

    /// <summary>Samples what differs between profiles: the number and kind of rules, and each rule's first and last name.</summary>
    public int GetHashCode(SeccompProfile profile)
    {
        var hash = default(HashCode);
        hash.Add(profile.DefaultAction);
        hash.Add(profile.DefaultErrnoRet);
        foreach (var rule in profile.Syscalls ?? [])
        {
            hash.Add(rule.Action);
            hash.Add(rule.Names.Count);
            hash.Add(rule.Args?.Count ?? 0);
            if (rule.Names.Count == 0) continue;
            hash.Add(rule.Names[0]);
            hash.Add(rule.Names[^1]);
        }
        return hash.ToHashCode();
    }

    private static bool SameRules(IReadOnlyList<SeccompRule>? x, IReadOnlyList<SeccompRule>? y)
    {
        if ((x?.Count ?? 0) != (y?.Count ?? 0)) return false;
        for (int i = 0; i < (x?.Count ?? 0); i++)
        {
            SeccompRule a = x![i], b = y![i];
            if (a.Action != b.Action || a.ErrnoRet != b.ErrnoRet || !Same(a.Names, b.Names) || !Same(a.Args, b.Args)) return false;
        }
        return true;
    }

    /// <summary>No list and an empty one are the same in every place but the flags, where they mean different things.</summary>
    private static bool Same<T>(IReadOnlyList<T>? x, IReadOnlyList<T>? y) =>
        ReferenceEquals(x, y) || (x is null) == (y is null) && x!.SequenceEqual(y!);
}
