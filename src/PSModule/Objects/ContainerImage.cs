using System.Collections.ObjectModel;
using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Objects;

/// <summary>One name of an image, or an image that has none. An image with three tags is three of these with the same id, as <c>docker images</c> lists them.</summary>
public sealed class ContainerImage
{
    private ContainerImage(EngineSession session)
    {
        Session = session;
    }

    /// <summary><c>repository:tag</c>, or the id of an image without a name.</summary>
    public string Name { get; private init; } = "";

    public string Repository { get; private init; } = "";

    public string Tag { get; private init; } = "";

    /// <summary><c>sha256:</c> and 64 hexadecimal digits.</summary>
    public string Id { get; private init; } = "";

    /// <summary>No name refers to it.</summary>
    public bool IsDangling { get; private init; }

    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>Bytes of all its layers.</summary>
    public long Size { get; private init; }

    /// <summary>Every <c>repository:tag</c> of the image.</summary>
    public string[] Tags { get; private init; } = [];

    /// <summary>Every <c>repository@digest</c> of the image.</summary>
    public string[] Digests { get; private init; } = [];

    public ReadOnlyDictionary<string, string> Labels { get; private init; } = ReadOnlyDictionary<string, string>.Empty;

    public string ParentId { get; private init; } = "";

    /// <summary>The session that it was read through.</summary>
    public EngineSession Session { get; }

    /// <summary>One object a tag; one for an image without tags.</summary>
    internal static IEnumerable<ContainerImage> From(ImageSummary row, EngineSession session)
    {
        string[] tags = [.. (row.RepoTags ?? []).Where(t => t != $"{ImageName.None}:{ImageName.None}")];
        if (tags.Length == 0)
        {
            string? digest = row.RepoDigests?.FirstOrDefault(d => !d.StartsWith(ImageName.None, StringComparison.Ordinal));
            yield return Create(row, session, digest is null ? row.Id : digest, digest is null ? ImageName.None : ImageName.Parse(digest).Repository, ImageName.None, tags, digest is null);
        }
        foreach (string tag in tags)
        {
            var name = ImageName.Parse(tag);
            yield return Create(row, session, tag, name.Repository, name.Tag ?? "", tags, dangling: false);
        }
    }

    private static ContainerImage Create(ImageSummary row, EngineSession session, string name, string repository, string tag, string[] tags, bool dangling) => new(session)
    {
        Name = name,
        Repository = repository,
        Tag = tag,
        Id = row.Id,
        IsDangling = dangling,
        CreatedAt = DateTimeOffset.FromUnixTimeSeconds(row.Created),
        Size = row.Size,
        Tags = tags,
        Digests = [.. row.RepoDigests ?? []],
        Labels = new ReadOnlyDictionary<string, string>(row.Labels ?? []),
        ParentId = row.ParentId,
    };

    public override string ToString() => Name;
}

/// <summary>What the removal of an image did: a name taken away, or data deleted.</summary>
public sealed class ContainerImageRemoval
{
    internal ContainerImageRemoval(ImageDeleteItem item)
    {
        IsDeleted = item.Deleted is not null;
        Target = item.Deleted ?? item.Untagged ?? "";
    }

    /// <summary>True when an image or layer is gone; false when only a name was taken away.</summary>
    public bool IsDeleted { get; }

    /// <summary>The name that was taken away, or the id that is gone.</summary>
    public string Target { get; }

    public override string ToString() => $"{(IsDeleted ? "Deleted" : "Untagged")}: {Target}";
}
