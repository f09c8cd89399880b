using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>When an image is pulled before a container is made of it.</summary>
public enum ImagePullPolicy
{
    /// <summary>When the engine does not have it.</summary>
    Missing,

    /// <summary>Always, to have the newest.</summary>
    Always,

    /// <summary>Never: the engine has it, or it is an error.</summary>
    Never,
}

/// <summary>Makes containers for the cmdlets that do: pulls the image when it has to, shows warnings, reads the result.</summary>
internal static class ContainerCreation
{
    /// <param name="adjust">Changes the request before it is sent; null for none.</param>
    /// <exception cref="ContainerEngineException">It could not be made.</exception>
    public static async Task<Container> CreateAsync(
        AsyncCmdlet cmdlet, EngineSession session, ContainerSpec spec, ImagePullPolicy policy, Action<ContainerCreateRequest>? adjust, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(spec.Image)) throw new ContainerEngineException(EngineErrorKind.InvalidRequest, "The spec names no image.");
        var request = spec.ToRequest();
        adjust?.Invoke(request);
        if (policy == ImagePullPolicy.Always) await PullAsync(cmdlet, session, spec, cancellation);
        ContainerCreateResponse created;
        try
        {
            created = await session.Client.CreateContainerAsync(request, spec.Name, spec.Platform, cancellation);
        }
        catch (ContainerEngineException missing) when (policy == ImagePullPolicy.Missing && IsImageMissing(missing))
        {
            await PullMissingAsync(cmdlet, session, spec, missing, cancellation);
            created = await session.Client.CreateContainerAsync(request, spec.Name, spec.Platform, cancellation);
        }
        foreach (string warning in created.Warnings ?? []) cmdlet.WriteWarning(warning);
        return await ContainerQuery.FindAsync(session, created.Id, cancellation)
            ?? throw new ContainerEngineException(EngineErrorKind.NotFound, $"The container {created.Id} was removed as soon as it was made.") { Request = "GET /containers/json" };
    }

    private static bool IsImageMissing(ContainerEngineException e) => e.Kind == EngineErrorKind.NotFound && e.Message.StartsWith("No such image", StringComparison.OrdinalIgnoreCase);

    private static Task PullAsync(AsyncCmdlet cmdlet, EngineSession session, ContainerSpec spec, CancellationToken cancellation) =>
        ImagePull.RunAsync(cmdlet, session, ImageName.Parse(spec.Image!), spec.Platform, RegistryLogins.HeaderFor(cmdlet, spec.Image!, null), allTags: false, cancellation);

    /// <summary>When the pull fails too, the missing image is still what the person has to know first.</summary>
    private static async Task PullMissingAsync(AsyncCmdlet cmdlet, EngineSession session, ContainerSpec spec, ContainerEngineException missing, CancellationToken cancellation)
    {
        if (spec.Image!.StartsWith("sha256:", StringComparison.Ordinal)) throw missing;
        cmdlet.WriteVerbose($"The engine has no image {spec.Image}; pulling it.");
        try
        {
            await PullAsync(cmdlet, session, spec, cancellation);
        }
        catch (ContainerEngineException e)
        {
            throw new ContainerEngineException(EngineErrorKind.NotFound, $"No such image: {spec.Image}, and it could not be pulled: {e.Message}", e) { Request = missing.Request, StatusCode = missing.StatusCode };
        }
    }
}
