using System.Security.Cryptography;
using Gantry.Daemon.Builds;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Images;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Options;
using Gantry.Daemon.Registries;
using Gantry.Daemon.Storage;
using Gantry.Daemon.SystemInfo;
using Gantry.Daemon.Volumes;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Hosting;

/// <summary>The composition root: makes every service of the engine, in order, and has each register its commands. Nothing is looked up, all is handed over.</summary>
internal sealed class DaemonServices : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> owned = new();

    private DaemonServices()
    {
    }

    /// <summary>Loads all services; the engine answers requests when this is done.</summary>
    public static async Task<DaemonServices> LoadAsync(DaemonOptions options, Engine.Engine engine, ILoggerFactory logs, CancellationToken cancellation)
    {
        var services = new DaemonServices();
        try
        {
            await services.ComposeAsync(options, engine, logs, cancellation).ConfigureAwait(false);
            return services;
        }
        catch
        {
            await services.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ComposeAsync(DaemonOptions options, Engine.Engine engine, ILoggerFactory logs, CancellationToken cancellation)
    {
        var database = Own(Database.Open(options.DatabasePath));
        string id = await EngineIdAsync(database).ConfigureAwait(false);

        var storage = await StorageDrivers.ChooseAsync(database, options.DataRoot, options.StorageDriver).ConfigureAwait(false);
        if (storage == StorageDriver.Vfs && options.StorageDriver.Length == 0) HostLog.FellBackToVfs(logs.CreateLogger("Daemon"), options.DataRoot);

        var events = await EventJournal.OpenAsync(database).ConfigureAwait(false);
        engine.RegisterEventCommands(events);

        var registries = Own(new RegistryAccess(RegistryOptions.Settings(options)));
        engine.RegisterRegistryCommands(registries);

        var images = Own(await ImageService.OpenAsync(RegistryOptions.Images(options, registries) with { Driver = storage }, database, events, logs, cancellation).ConfigureAwait(false));
        engine.RegisterImageCommands(images);

        var volumes = Own(new VolumeService(database, options.DataRoot, events, new Logger<VolumeService>(logs)));
        await volumes.LoadAsync().ConfigureAwait(false);
        engine.RegisterVolumeCommands(volumes);

        var networks = Own(new NetworkService(NetworkSettings.Of(options), database, events, new Logger<NetworkService>(logs)));
        await networks.StartAsync(cancellation).ConfigureAwait(false);
        engine.RegisterNetworkCommands(networks);
        if (networks.HasDefaultBridge) await engine.RunAsync(NetworkCommands.InitNetworkDriver, default, cancellation: cancellation).ConfigureAwait(false);

        var supervisors = Own(new Supervisors(options.ExecRoot, new Logger<Supervisors>(logs)));
        var store = new ContainerStore(database);
        var containers = Own(new ContainerService(store, ContainerOptions.Settings(options, storage), supervisors, new ContainerImages(images), networks, volumes, events, new Logger<ContainerService>(logs)));
        images.Usage = containers;
        volumes.UsersOf = containers.UsersOfVolume;
        await containers.LoadAsync(cancellation).ConfigureAwait(false);
        containers.ApplyRestartPolicies();
        engine.RegisterContainerCommands(containers);
        engine.RegisterContentCommands(containers);
        var builds = Own(new BuildService(options.DataRoot, BuildInfo.Version, engine, images, containers, new ImageEvents(events), new Logger<BuildService>(logs)));
        builds.CleanUp();
        engine.RegisterBuildCommands(builds);
        engine.OnShutdown(containers.ShutdownAsync, containers.ShutdownGrace);

        var system = new SystemService(options, id, events) { Containers = containers, Images = new ImageFacts(images, options.DataRoot), Networks = new NetworkFacts(options) };
        var usage = new DiskUsageReport(new DiskUsageSources
        {
            LayersSize = () => images.LayersSize,
            Images = images.Usages,
            Containers = containers.UsagesAsync,
            Volumes = volumes.Usage,
            BuildCache = () => builds.Cache,
        });
        engine.RegisterSystemCommands(system, new RegistryLogin(registries), usage);
    }

    /// <summary>What is made last is closed first.</summary>
    private T Own<T>(T service) where T : notnull
    {
        owned.Push(service as IAsyncDisposable ?? new Owned((IDisposable)service));
        return service;
    }

    private sealed class Owned(IDisposable service) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            service.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>The engine's id: made once for a data root.</summary>
    private static async Task<string> EngineIdAsync(Database database)
    {
        string id = "";
        await database.WriteAsync(w =>
        {
            w.Execute("INSERT OR IGNORE INTO engine (key, value) VALUES ('id', $1)", new Guid(RandomNumberGenerator.GetBytes(16)).ToString());
            id = (string)w.Scalar("SELECT value FROM engine WHERE key = 'id'")!;
        }).ConfigureAwait(false);
        return id;
    }

    public async ValueTask DisposeAsync()
    {
        while (owned.TryPop(out var service)) await service.DisposeAsync().ConfigureAwait(false);
    }
}
