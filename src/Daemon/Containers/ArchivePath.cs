namespace Gantry.Daemon.Containers;

/// <summary>A path in a container as <c>archive</c> takes it: clean and absolute, with what its ending says (reference 4.12).</summary>
/// <param name="Clean">Absolute, without <c>.</c> and <c>..</c>, which are taken away by name.</param>
/// <param name="Dot">It ends in <c>/.</c>: a directory's content is meant.</param>
/// <param name="Slash">It ends in a slash: a link is followed, to a directory.</param>
internal readonly record struct ArchivePath(string Clean, bool Dot, bool Slash)
{
    public static ArchivePath Parse(string text)
    {
        string clean = MountSettings.Normalise(text);
        string last = text.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed[(trimmed.LastIndexOf('/') + 1)..] : "";
        bool dot = last == ".";
        return new ArchivePath(clean, dot, !dot && text.EndsWith('/'));
    }

    public bool IsRoot => Clean == "/";

    /// <summary>What it leads to must be a directory, through a link if need be.</summary>
    public bool MeansDirectory => Dot || Slash || IsRoot;

    /// <summary>The last component; <c>/</c> for the root, <c>.</c> for a directory's content.</summary>
    public string Name => Dot ? "." : IsRoot ? "/" : Clean[(Clean.LastIndexOf('/') + 1)..];

    public string Parent => IsRoot ? "/" : Clean[..Math.Max(Clean.LastIndexOf('/'), 1)];

    public override string ToString() => Dot ? (IsRoot ? "/." : Clean + "/.") : Slash && !IsRoot ? Clean + "/" : Clean;
}
