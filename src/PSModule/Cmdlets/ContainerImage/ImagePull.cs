using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Pulls one image, with progress.</summary>
internal static class ImagePull
{
    /// <param name="registryAuth">The value of <c>X-Registry-Auth</c>; null for none.</param>
    /// <param name="allTags">Every tag of the repository, and not the one that is named.</param>
    /// <exception cref="ContainerEngineException">It could not be pulled.</exception>
    public static Task RunAsync(
        AsyncCmdlet cmdlet, EngineSession session, ImageName name, string? platform, string? registryAuth, bool allTags, CancellationToken cancellation)
    {
        string? reference = allTags ? null : name.Digest ?? name.Tag ?? ImageName.DefaultTag;
        return ProgressDisplay.RunAsync(cmdlet, $"Pulling {name}", session.Client.PullImageAsync(name.Repository, reference, platform, registryAuth, cancellation));
    }
}
