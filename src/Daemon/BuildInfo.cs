namespace Gantry.Daemon;

/// <summary>What this program was built from. The build writes the values into a generated part of this class.</summary>
internal static partial class BuildInfo
{
    /// <summary>The API version that is spoken, and the oldest that is understood.</summary>
    public const string ApiVersion = "1.51", MinApiVersion = "1.24";

    public static string VersionLine => $"Gantry version {Version}, build {ShortCommit}";

    public static string ShortCommit => Commit.Length > 7 ? Commit[..7] : Commit;
}
