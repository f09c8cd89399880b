using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Systemd;

namespace Gantry.Daemon.Execution;

/// <summary>Where containers have their control groups: below a group of the file system, or in slices of systemd.</summary>
public sealed class ContainerGroups : IDisposable
{
    /// <summary>The cgroup driver that makes groups in the file system and asks nobody.</summary>
    public const string FileSystem = "cgroupfs";

    /// <summary>The one that asks systemd for a scope in each slice.</summary>
    public const string Systemd = "systemd";

    private readonly DelegatedScopes? scopes;

    /// <param name="driver"><see cref="FileSystem"/> or <see cref="Systemd"/>: the API's <c>CgroupDriver</c>.</param>
    /// <param name="parent">Of containers that name none: a path, or a slice.</param>
    /// <param name="engine">What tells this engine from others on the machine.</param>
    /// <exception cref="SystemdException">systemd has no hierarchy here.</exception>
    public ContainerGroups(string driver, string parent, string engine)
    {
        (Driver, Parent) = (driver, parent);
        if (driver == Systemd) scopes = new DelegatedScopes(engine);
    }

    public string Driver { get; }

    public string Parent { get; }

    private string ParentOf(HostConfig host) => host.CgroupParent.Length > 0 ? host.CgroupParent : Parent;

    /// <summary>From the root of the hierarchies: <c>/gantry/ID</c>, <c>/web.slice/gantry-1f2e3d4c-web.scope/ID</c>.</summary>
    public string PathOf(HostConfig host, string id) =>
        scopes is null ? MountSettings.Normalise($"{ParentOf(host)}/{id}") : $"{scopes.PathOf(ParentOf(host))}/{id}";

    /// <summary>Has everything above a container's group made that the container's driver does not make itself.</summary>
    /// <exception cref="EngineException">systemd does not make the scope.</exception>
    public async Task PrepareAsync(HostConfig host, CancellationToken cancellation)
    {
        if (scopes is null) return;
        try
        {
            await scopes.EnsureAsync(ParentOf(host), cancellation).ConfigureAwait(false);
        }
        catch (SystemdException e)
        {
            throw EngineException.System($"failed to create the cgroup of the container: {e.Message}", e);
        }
    }

    /// <summary>Lets go of what no container needs any more.</summary>
    public void Release() => scopes?.Release();

    public void Dispose() => scopes?.Dispose();
}
