using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;

namespace Gantry.Daemon.Images.References;

/// <summary>What a user gave to say which image: an id (whole or its beginning), or a name.</summary>
/// <param name="Text">As given.</param>
/// <param name="Id">A whole id, with or without <c>sha256:</c>.</param>
/// <param name="Name">Otherwise the name that it reads as; its text may also be the beginning of an id.</param>
public sealed record ImageQuery(string Text, Digest? Id, ImageReference? Name)
{
    /// <exception cref="EngineException">400: neither an id nor a name.</exception>
    public static ImageQuery Parse(string text)
    {
        if (Digest.TryParseHex(text, out var id) || Digest.TryParse(text, out id)) return new ImageQuery(text, id, null);
        return new ImageQuery(text, null, ImageReference.Parse(text));
    }

    /// <summary>The hexadecimal digits that an id could begin with; null when the text cannot be an id's beginning.</summary>
    public string? IdPrefix
    {
        get
        {
            string hex = Text.StartsWith(Digest.Prefix, StringComparison.Ordinal) ? Text[Digest.Prefix.Length..] : Text;
            return hex.Length is > 0 and <= 64 && !hex.AsSpan().ContainsAnyExcept("0123456789abcdef") ? hex : null;
        }
    }

    /// <summary>404 in dockerd's words: the id, or the name with its tag (golden 011, 022, 028).</summary>
    public EngineException NotFound() => EngineException.NotFound($"No such image: {Id?.ToString() ?? Name!.WithDefaultTag().Familiar}");
}
