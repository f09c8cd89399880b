using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Api;

/// <summary>Which versions of the API are spoken, and what a client of another one is told (reference 4.3).</summary>
internal static class ApiVersions
{
    public static readonly Version Newest = Version.Parse(BuildInfo.ApiVersion), Oldest = Version.Parse(BuildInfo.MinApiVersion);

    /// <summary>The version to speak; no text is the newest.</summary>
    /// <exception cref="EngineException">400: too old or too new.</exception>
    public static Version Negotiate(string? text)
    {
        if (text is null or BuildInfo.ApiVersion) return Newest;
        var version = Parse(text);
        if (version < Oldest)
            throw EngineException.InvalidParameter($"client version {text} is too old. Minimum supported API version is {BuildInfo.MinApiVersion}, please upgrade your client to a newer version");
        if (version > Newest)
            throw EngineException.InvalidParameter($"client version {text} is too new. Maximum supported API version is {BuildInfo.ApiVersion}");
        return version;
    }

    /// <summary>Clients that old cannot read JSON errors.</summary>
    public static bool WantsPlainText(string? text) => text is not null && Parse(text) < Oldest;

    /// <summary>Numbers between dots; a missing minor is 0, digits beyond measure are the largest number.</summary>
    private static Version Parse(string text)
    {
        string[] parts = text.Split('.');
        int patch = Part(parts, 2);
        return patch == 0 ? new Version(Part(parts, 0), Part(parts, 1)) : new Version(Part(parts, 0), Part(parts, 1), patch);
    }

    private static int Part(string[] parts, int index) =>
        index >= parts.Length || parts[index].Length == 0 ? 0 : int.TryParse(parts[index], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
}
