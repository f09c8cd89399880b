using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

public sealed record UpdateArguments(string Name, ContainerUpdateRequest? Body);

public sealed partial class ContainerService
{
    /// <summary>Changes limits and restart policy, of a running container at once (reference 5.2).</summary>
    public async Task<ContainerUpdateResponse> UpdateAsync(UpdateArguments request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var body = request.Body ?? new ContainerUpdateRequest();
        var warnings = new List<string>();
        body = SupportedResources.Keep(body, settings.Facts.Features, warnings);
        SettingsVerification.VerifyResources(body, settings.Facts, warnings, update: true);
        if (body.RestartPolicy is { Name.Length: > 0 } policy) SettingsVerification.VerifyRestartPolicy(policy, autoRemove: false);
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (container.Status is { Removing: true } or { Dead: true }) throw EngineException.Conflict($"Cannot update container {container.Id}: Container is marked for removal and cannot be \"update\".");
            await RescuedAsync(container, cancellation).ConfigureAwait(false);
            var host = Merge(container.Record.HostConfig, body, container.Id);
            RunningProcess? process;
            lock (container.Gate) process = container.Process;
            if (process is not null && container.Status.HasProcess) await ApplyAsync(container, process, host).ConfigureAwait(false);
            await store.SaveAsync(container, container.Record with { HostConfig = host }).ConfigureAwait(false);
            Publish(container, "update");
            return new ContainerUpdateResponse { Warnings = warnings.Count == 0 ? null : warnings };
        }
        finally
        {
            container.Operation.Release();
        }
    }

    private static async Task ApplyAsync(Container container, RunningProcess process, HostConfig host)
    {
        try
        {
            await process.Supervisor.AskAsync(new Request { Update = new UpdateRequest { Container = container.Id, Resources = ResourceTranslation.Limits(host) } }, []).ConfigureAwait(false);
        }
        catch (SupervisorFailure e)
        {
            throw EngineException.System($"Cannot update container {container.Id}: {e.Message}", e);
        }
    }

    /// <summary>Fields that were sent replace the old ones; zero and empty leave them as they are.</summary>
    private static HostConfig Merge(HostConfig host, ContainerUpdateRequest change, string id)
    {
        EngineException Conflict(string reason) => EngineException.Conflict($"Cannot update container {id}: {reason}");
        if (change.NanoCpus > 0 && host.CpuPeriod > 0) throw Conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
        if (change.NanoCpus > 0 && host.CpuQuota > 0) throw Conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
        if (change.CpuPeriod > 0 && host.NanoCpus > 0) throw Conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
        if (change.CpuQuota > 0 && host.NanoCpus > 0) throw Conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
        if (host.AutoRemove && change.RestartPolicy is { Name: not ("" or "no") }) throw Conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
        if (change.Memory > 0 && change.MemorySwap == 0 && host.MemorySwap > 0 && change.Memory > host.MemorySwap)
            throw Conflict("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
        return host with
        {
            BlkioWeight = change.BlkioWeight == 0 ? host.BlkioWeight : change.BlkioWeight,
            CpuShares = Or(change.CpuShares, host.CpuShares),
            NanoCpus = Or(change.NanoCpus, host.NanoCpus),
            CpuPeriod = Or(change.CpuPeriod, host.CpuPeriod),
            CpuQuota = Or(change.CpuQuota, host.CpuQuota),
            CpuRealtimePeriod = Or(change.CpuRealtimePeriod, host.CpuRealtimePeriod),
            CpuRealtimeRuntime = Or(change.CpuRealtimeRuntime, host.CpuRealtimeRuntime),
            CpusetCpus = change.CpusetCpus.Length == 0 ? host.CpusetCpus : change.CpusetCpus,
            CpusetMems = change.CpusetMems.Length == 0 ? host.CpusetMems : change.CpusetMems,
            Memory = Or(change.Memory, host.Memory),
            MemorySwap = Or(change.MemorySwap, host.MemorySwap),
            MemoryReservation = Or(change.MemoryReservation, host.MemoryReservation),
            PidsLimit = change.PidsLimit ?? host.PidsLimit,
            RestartPolicy = change.RestartPolicy is { Name.Length: > 0 } policy ? policy : host.RestartPolicy,
        };
    }

    private static long Or(long changed, long old) => changed == 0 ? old : changed;
}
