namespace Gantry.PowerShell.Objects;

/// <summary>An image's name taken apart, in the short form that Docker shows: without <c>docker.io/</c> and <c>library/</c>.</summary>
/// <param name="Repository"><c>busybox</c>, <c>localhost:5000/team/web</c>.</param>
/// <param name="Tag">Null when none was given.</param>
/// <param name="Digest"><c>sha256:…</c>; null when none was given.</param>
internal sealed record ImageName(string Repository, string? Tag, string? Digest)
{
    public const string DefaultTag = "latest", None = "<none>";

    public static ImageName Parse(string text)
    {
        string rest = text;
        string? digest = null, tag = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is var at and > 0)
        {
            digest = rest[(at + 1)..];
            rest = rest[..at];
        }
        if (rest.LastIndexOf(':') is var colon and > 0 && colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
        }
        return new ImageName(Familiar(rest), tag, digest);
    }

    private static string Familiar(string repository)
    {
        foreach (string prefix in (string[])["docker.io/", "index.docker.io/"])
        {
            if (repository.StartsWith(prefix, StringComparison.Ordinal)) repository = repository[prefix.Length..];
        }
        return repository.StartsWith("library/", StringComparison.Ordinal) && repository.IndexOf('/', 8) < 0 ? repository[8..] : repository;
    }

    public override string ToString() => Repository + (Tag is null ? "" : ":" + Tag) + (Digest is null ? "" : "@" + Digest);
}
