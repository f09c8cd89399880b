using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Compression;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Tar;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>What a remote context is: an archive, or the text of a Dockerfile.</summary>
internal static partial class ContentTypes
{
    public const string Text = "text/plain", Archive = "application/x-tar";

    /// <param name="given">What the server says.</param>
    /// <param name="start">The first bytes, which count when the server knows nothing.</param>
    /// <exception cref="EngineException">It is something else, or nothing.</exception>
    public static string Judge(string given, ReadOnlySpan<byte> start, string remote)
    {
        if (start.IsEmpty) throw EngineException.System($"error detecting content type for remote {remote}: empty response");
        string type = given is "" or "application/octet-stream" ? Detect(start) : given;
        string accepted = Accepted().Match(type).Value;
        if (accepted.Length == 0) throw EngineException.System($"error detecting content type for remote {remote}: unsupported Content-Type {GoText.Quote(given)}");
        return accepted == Text ? Text : Archive;
    }

    private static string Detect(ReadOnlySpan<byte> start)
    {
        if (CompressionFormats.Detect(start) != CompressionFormat.None || TarHeader.Begins(start)) return Archive;
        return start.IndexOfAnyInRange((byte)0, (byte)8) < 0 ? Text : "application/octet-stream";
    }

    [GeneratedRegex(@"application/(?:(?:x-)?tar|octet-stream|(?:x-)?(?:gzip|bzip2?|xz|zstd))|text/plain", RegexOptions.CultureInvariant)]
    private static partial Regex Accepted();
}
