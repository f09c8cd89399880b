using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Finds rows of the image list by what a person writes.</summary>
internal static class ImageQuery
{
    /// <summary>Rows that a pattern, a name or the beginning of an id means.</summary>
    /// <remarks>A name without a tag means <c>latest</c>, as it does when a container is made of it; where there is no such tag, it means every tag of the repository.</remarks>
    public static List<ContainerImage> Select(IReadOnlyList<ContainerImage> images, string text)
    {
        if (WildcardPattern.ContainsWildcardCharacters(text))
        {
            var pattern = new WildcardPattern(text, WildcardOptions.IgnoreCase);
            return [.. images.Where(i => pattern.IsMatch(i.Name) || (!i.IsDangling && pattern.IsMatch(i.Repository)))];
        }
        var name = ImageName.Parse(text);
        if (name.Digest is not null) return [.. images.Where(i => i.Digests.Contains($"{name.Repository}@{name.Digest}", StringComparer.Ordinal)).Take(1)];
        var tags = images.Where(i => i.Repository == name.Repository && !i.IsDangling).ToList();
        var tagged = tags.Where(i => i.Tag == (name.Tag ?? ImageName.DefaultTag)).ToList();
        if (tagged.Count > 0) return tagged;
        if (name.Tag is null && tags.Count > 0) return tags;
        return ById(images, text);
    }

    private static List<ContainerImage> ById(IReadOnlyList<ContainerImage> images, string text)
    {
        string digits = text.StartsWith("sha256:", StringComparison.OrdinalIgnoreCase) ? text["sha256:".Length..] : text;
        if (digits.Length == 0 || !digits.All(char.IsAsciiHexDigit)) return [];
        return [.. images.Where(i => i.Id.StartsWith("sha256:" + digits, StringComparison.OrdinalIgnoreCase))];
    }

    public static async Task<List<ContainerImage>> ListAsync(EngineSession session, Filters? filters, bool all, CancellationToken cancellation)
    {
        var images = new List<ContainerImage>();
        await foreach (var row in session.Client.ListImagesAsync(filters, all, cancellation)) images.AddRange(ContainerImage.From(row, session));
        return images;
    }

    /// <summary>The rows of one image that was just made or brought in: the tag that is named, else all of them.</summary>
    /// <param name="reference">A name, or an id with <c>sha256:</c>.</param>
    public static async Task<List<ContainerImage>> FindAsync(EngineSession session, string reference, CancellationToken cancellation) =>
        Select(await ListAsync(session, null, all: false, cancellation), reference);
}
