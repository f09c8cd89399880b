using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Images;
using Gantry.Daemon.Networks;
using Gantry.Daemon.SystemInfo;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Containers;

// What other services ask about containers.
public sealed partial class ContainerService : IImageUsage, IContainerFacts, IContainerNetworkNamespaces
{
    /// <summary>The network of a running container, for one that shares it (reference B9).</summary>
    public JoinedNetwork Join(string container)
    {
        var other = store.Get(container);
        if (other.Status.Restarting) throw EngineException.Conflict($"Container {other.Id} is restarting, wait until the container is running");
        if (!other.Status.HasProcess) throw EngineException.Conflict($"cannot join network of a non running container: {other.Id}");
        string files = SpecFactory.NetworkFilesOf(other.Record, DirectoryOf(other.Id));
        return new JoinedNetwork(OpenFile.ReadOnly($"/proc/{other.Status.Pid}/ns/net"), File.ReadAllText(Path.Combine(files, "hosts")), File.ReadAllText(Path.Combine(files, "resolv.conf")));
    }

    public IReadOnlyList<ImageUser> UsersOf(string imageId) =>
        [.. store.All.Where(c => c.Record.ImageId == imageId).Select(c => new ImageUser(c.Id, c.Name, c.Record.Config.Image, c.Status.Running))];

    public IReadOnlyList<string> LogDrivers => ["json-file", "local", "none"];

    public string CgroupDriver => settings.Groups.Driver;

    public ContainerCounts Count()
    {
        int running = 0, paused = 0, stopped = 0;
        foreach (var container in store.All)
        {
            var status = container.Status;
            if (status.Paused) paused++;
            else if (status.Running) running++;
            else stopped++;
        }
        return new ContainerCounts(running, paused, stopped);
    }

    /// <summary>Names of the containers that use a volume.</summary>
    public IReadOnlyList<string> UsersOfVolume(string name) => [.. store.All.Where(c => c.Record.Mounts.Exists(m => m.Type == "volume" && m.Name == name)).Select(c => c.Id)];
}
