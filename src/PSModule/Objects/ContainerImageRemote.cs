using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Objects;

/// <summary>One image that a registry has found.</summary>
public sealed class ContainerImageSearchResult
{
    internal ContainerImageSearchResult(ImageSearchResult result, EngineSession session)
    {
        Name = result.Name;
        Description = result.Description;
        StarCount = result.StarCount;
        IsOfficial = result.IsOfficial;
        Session = session;
    }

    /// <summary>The name by which it can be pulled.</summary>
    public string Name { get; }

    public string Description { get; }

    public int StarCount { get; }

    /// <summary>One of Docker's own selection.</summary>
    public bool IsOfficial { get; }

    public EngineSession Session { get; }

    public override string ToString() => Name;
}

/// <summary>What a registry has under a name.</summary>
public sealed class ContainerImageManifest
{
    internal ContainerImageManifest(string name, DistributionInspect data, EngineSession session)
    {
        Name = name;
        Digest = data.Descriptor.Digest;
        MediaType = data.Descriptor.MediaType;
        Size = data.Descriptor.Size;
        Platforms = [.. data.Platforms.Select(Format)];
        Session = session;
    }

    /// <summary>The name that was asked for.</summary>
    public string Name { get; }

    /// <summary><c>sha256:…</c>: with <c>@</c> behind the repository it names exactly this.</summary>
    public string Digest { get; }

    public string MediaType { get; }

    /// <summary>Bytes of the manifest itself, not of the image.</summary>
    public long Size { get; }

    /// <summary><c>linux/amd64</c>, <c>linux/arm64/v8</c>.</summary>
    public string[] Platforms { get; }

    public EngineSession Session { get; }

    private static string Format(OciPlatform platform) =>
        string.IsNullOrEmpty(platform.Variant) ? $"{platform.Os}/{platform.Architecture}" : $"{platform.Os}/{platform.Architecture}/{platform.Variant}";

    public override string ToString() => $"{Name}@{Digest}";
}

/// <summary>An image that a registry has taken.</summary>
public sealed class ContainerImagePush
{
    internal ContainerImagePush(string repository, PushResult result, EngineSession session)
    {
        Repository = repository;
        Tag = result.Tag;
        Digest = result.Digest;
        Size = result.Size;
        Session = session;
    }

    public string Repository { get; }

    public string Tag { get; }

    /// <summary>Digest of the manifest: <c>repository@digest</c> names exactly this image.</summary>
    public string Digest { get; }

    /// <summary>Bytes of the manifest.</summary>
    public long Size { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Repository}:{Tag}@{Digest}";
}
