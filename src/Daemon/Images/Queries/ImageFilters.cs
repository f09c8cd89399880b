using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Queries;

/// <summary>Filters that lists and prunes of images share.</summary>
internal static class ImageFilters
{
    /// <summary>The value of <c>dangling</c>; null when it was not given.</summary>
    /// <exception cref="EngineException">400 <c>invalid filter 'dangling=[x]'</c>.</exception>
    public static bool? Dangling(Filters filters)
    {
        var given = filters["dangling"];
        if (given.Count == 0) return null;
        bool yes = given.Any(v => v is "1" or "true"), no = given.Any(v => v is "0" or "false");
        return yes != no ? yes : throw EngineException.InvalidParameter($"invalid filter 'dangling=[{string.Join(' ', given)}]'");
    }

    /// <summary>Every <c>label</c> must be there, and not all of <c>label!</c>.</summary>
    public static bool MatchesLabels(Filters filters, Image image)
    {
        var labels = image.Config.Labels;
        if (!filters.MatchesLabels("label", labels)) return false;
        return !filters.Contains("label!") || !filters.MatchesLabels("label!", labels);
    }
}
