using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Images.Pull;

/// <param name="Name">With a tag or a digest; with neither, all tags are wanted.</param>
/// <param name="Platform">Null for this machine's.</param>
internal sealed record PullRequest(ImageReference Name, OciPlatform? Platform, AuthConfig Credentials)
{
    private const string Reserved = "scratch";

    /// <summary>Reads the request of an API call (golden 144): the tag may be a digest, and goes over that of the name.</summary>
    /// <exception cref="EngineException">400: a malformed name, tag or platform; 403: a reserved name.</exception>
    public static PullRequest Parse(string image, string tag, string platform, AuthConfig credentials)
    {
        var name = ImageReference.Parse(image.TrimEnd());
        if (tag.Length > 0)
        {
            name = Content.Digest.TryParse(tag, out var digest)
                ? name with { Tag = null, Digest = digest.ToString() }
                : name.WithTag(tag);
        }
        if (name.FamiliarName == Reserved) throw EngineException.Forbidden($"'{Reserved}' is a reserved name");
        return new PullRequest(name, platform.Length > 0 ? Platforms.Parse(platform) : null, credentials);
    }
}
