using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;

namespace Gantry.Daemon.Images.References;

/// <summary>A name of an image in its full form: <c>docker.io/library/busybox:latest</c>, <c>localhost:5000/x@sha256:…</c>. What users write and read is the familiar form.</summary>
/// <param name="Domain">The registry: <c>docker.io</c>, <c>localhost:5000</c>.</param>
/// <param name="Path">The repository in it: <c>library/busybox</c>.</param>
/// <param name="Tag">Null when the name has none.</param>
/// <param name="Digest">Null when the name has none.</param>
public sealed record ImageReference(string Domain, string Path, string? Tag, string? Digest) : IComparable<ImageReference>
{
    private const string DefaultDomain = "docker.io", LegacyDefaultDomain = "index.docker.io", OfficialPrefix = "library/", DefaultTag = "latest";

    private const int MaxPathLength = 255;

    /// <summary>The repository's full name.</summary>
    public string Name => $"{Domain}/{Path}";

    /// <summary>The repository's name as users write it: without the default registry and its <c>library/</c>.</summary>
    public string FamiliarName
    {
        get
        {
            if (Domain != DefaultDomain) return Name;
            bool official = Path.StartsWith(OfficialPrefix, StringComparison.Ordinal) && !Path[OfficialPrefix.Length..].Contains('/');
            return official ? Path[OfficialPrefix.Length..] : Path;
        }
    }

    /// <summary>The whole name as users write it.</summary>
    public string Familiar => Suffixed(FamiliarName);

    public override string ToString() => Suffixed(Name);

    private string Suffixed(string name)
    {
        if (Tag is not null) name = $"{name}:{Tag}";
        return Digest is null ? name : $"{name}@{Digest}";
    }

    /// <summary>With <c>latest</c> when there is neither tag nor digest.</summary>
    public ImageReference WithDefaultTag() => Tag is null && Digest is null ? this with { Tag = DefaultTag } : this;

    /// <summary>The form under which it is kept: with a digest, the tag says nothing more.</summary>
    public ImageReference Key() => Digest is null ? WithDefaultTag() : this with { Tag = null };

    /// <exception cref="EngineException">400 <c>invalid tag format</c>.</exception>
    public ImageReference WithTag(string tag) =>
        ReferenceGrammar.Tag.IsMatch(tag) ? this with { Tag = tag, Digest = null } : throw EngineException.InvalidParameter("invalid tag format");

    public int CompareTo(ImageReference? other) => string.CompareOrdinal(ToString(), other?.ToString());

    /// <summary>Reads a name as users write it.</summary>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static ImageReference Parse(string text)
    {
        if (Content.Digest.IsHex(text)) throw EngineException.InvalidParameter($"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings");
        var (domain, remainder) = SplitDomain(text);
        int colon = remainder.IndexOf(':', StringComparison.Ordinal);
        string repository = colon < 0 ? remainder : remainder[..colon];
        if (repository.Any(char.IsUpper)) throw EngineException.InvalidParameter($"invalid reference format: repository name ({repository}) must be lowercase");
        var match = ReferenceGrammar.Reference.Match($"{domain}/{remainder}");
        if (!match.Success) throw EngineException.InvalidParameter("invalid reference format");
        string path = match.Groups["path"].Value;
        if (path.Length > MaxPathLength) throw EngineException.InvalidParameter("repository name must not be more than 255 characters");
        return new ImageReference(
            match.Groups["domain"].Value, path,
            match.Groups["tag"] is { Success: true, Value: var tag } ? tag : null,
            match.Groups["digest"] is { Success: true, Value: var digest } ? CheckDigest(digest) : null);
    }

    private static string CheckDigest(string digest)
    {
        string algorithm = digest[..digest.IndexOf(':', StringComparison.Ordinal)];
        int length = algorithm switch
        {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => throw EngineException.InvalidParameter("unsupported digest algorithm"),
        };
        string hex = digest[(algorithm.Length + 1)..];
        if (hex.Length != length) throw EngineException.InvalidParameter("invalid checksum digest length");
        return hex.AsSpan().ContainsAnyExcept("0123456789abcdef") ? throw EngineException.InvalidParameter("invalid checksum digest format") : digest;
    }

    /// <summary>The part before the first slash is a registry when it has a dot, a colon or an upper-case letter, or is <c>localhost</c>.</summary>
    private static (string Domain, string Remainder) SplitDomain(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return (DefaultDomain, OfficialPrefix + name);
        string first = name[..slash], rest = name[(slash + 1)..];
        if (first is LegacyDefaultDomain) first = DefaultDomain;
        bool isDomain = first is "localhost" || first.AsSpan().ContainsAny('.', ':') || first.Any(char.IsUpper);
        if (!isDomain) return (DefaultDomain, name);
        return first == DefaultDomain && !rest.Contains('/') ? (first, OfficialPrefix + rest) : (first, rest);
    }

    /// <summary>The name to give an image, from an API call's <c>repo</c> and <c>tag</c>; null without a repo.</summary>
    /// <exception cref="EngineException">400: malformed, or a digest, which cannot be given.</exception>
    public static ImageReference? ForTagging(string repository, string tag)
    {
        if (repository.Length == 0) return null;
        var reference = Parse(repository);
        if (reference.Digest is not null) throw EngineException.InvalidParameter("cannot import digest reference");
        reference = tag.Length > 0 ? reference.WithTag(tag) : reference.WithDefaultTag();
        return reference.FamiliarName is "sha256"
            ? throw EngineException.InvalidParameter("refusing to create an ambiguous tag using digest algorithm as name")
            : reference;
    }
}
