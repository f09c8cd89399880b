using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>Names images: an object of this module, <c>repository[:tag]</c>, an id or its beginning, or a wildcard pattern over names.</summary>
/// <remarks>A name without a tag is its <c>latest</c>, as everywhere in Docker.</remarks>
public sealed class ImageReference
{
    public ImageReference(string text)
    {
        if (string.IsNullOrWhiteSpace(text)) throw new ArgumentException("An image's name or id cannot be empty.", nameof(text));
        Text = text;
        IsPattern = WildcardPattern.ContainsWildcardCharacters(text);
    }

    public ImageReference(ContainerImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Text = image.Name;
        Id = image.Id;
        Session = image.Session;
    }

    /// <summary>What was given: a name, id or pattern.</summary>
    public string Text { get; }

    /// <summary>The full id, when an object was given.</summary>
    public string? Id { get; }

    public bool IsPattern { get; }

    /// <summary>The session of the object that was given.</summary>
    public EngineSession? Session { get; }

    public override string ToString() => Text;
}
