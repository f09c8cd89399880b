using System.Collections.ObjectModel;
using Gantry.PowerShell.Objects.Specs;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Objects;

/// <summary>All that an engine knows about one container, at the moment when it was asked for.</summary>
public sealed class ContainerDetail
{
    internal ContainerDetail(ContainerInspect data, EngineSession session)
    {
        var (state, config, host) = (data.State, data.Config, data.HostConfig);
        Id = data.Id;
        Name = data.Name.TrimStart('/');
        Image = config.Image;
        ImageId = data.Image;
        Platform = data.Platform;
        CreatedAt = WireTime.Parse(data.Created) ?? DateTimeOffset.UnixEpoch;

        State = WireText.State(state.Status);
        Health = WireText.Health(state.Health?.Status);
        HealthLog = [.. (state.Health?.Log ?? []).Select(entry => new ContainerHealthResult(entry))];
        HealthCheck = ContainerHealthCheck.From(config.Healthcheck);
        ProcessId = state.Pid == 0 ? null : state.Pid;
        StartedAt = WireTime.Parse(state.StartedAt);
        FinishedAt = WireTime.Parse(state.FinishedAt);
        ExitCode = State is ContainerState.Exited or ContainerState.Dead ? state.ExitCode : null;
        Error = state.Error;
        IsOutOfMemory = state.OOMKilled;
        RestartCount = data.RestartCount;

        Command = [data.Path, .. data.Args];
        Entrypoint = [.. config.Entrypoint ?? []];
        Arguments = [.. config.Cmd ?? []];
        Environment = new ReadOnlyDictionary<string, string>((config.Env ?? []).Select(Pairs.Split).GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.Last().Value ?? "", StringComparer.Ordinal));
        WorkingDirectory = config.WorkingDir;
        User = config.User;
        Groups = [.. host.GroupAdd ?? []];
        Hostname = config.Hostname;
        DomainName = config.Domainname;
        Labels = new ReadOnlyDictionary<string, string>(config.Labels ?? []);
        HasTty = config.Tty;
        HasOpenStdin = config.OpenStdin;
        StopSignal = config.StopSignal ?? "";
        StopTimeout = config.StopTimeout is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

        Ports = ContainerPortBinding.From(data.NetworkSettings.Ports ?? []);
        RequestedPorts = ContainerPortBinding.From(host.PortBindings ?? []);
        NetworkMode = host.NetworkMode;
        Networks = ContainerEndpoint.From(data.NetworkSettings.Networks);
        Dns = [.. host.Dns ?? []];
        ExtraHosts = [.. host.ExtraHosts ?? []];

        Mounts = [.. (data.Mounts ?? []).Select(ContainerMount.From)];
        IsReadOnly = host.ReadonlyRootfs;
        SizeWritten = data.SizeRw;
        SizeRoot = data.SizeRootFs;
        StorageDriver = data.Driver;

        Memory = Limit(host.Memory);
        MemoryReservation = Limit(host.MemoryReservation);
        MemorySwap = Limit(host.MemorySwap);
        Cpu = host.NanoCpus > 0 ? host.NanoCpus / 1e9 : host is { CpuQuota: > 0, CpuPeriod: > 0 } ? (double)host.CpuQuota / host.CpuPeriod : null;
        CpuShare = Limit(host.CpuShares);
        CpuSet = host.CpusetCpus;
        PidLimit = Limit(host.PidsLimit ?? 0);

        RestartPolicy = ContainerRestartPolicy.From(host.RestartPolicy);
        IsRemovedAutomatically = host.AutoRemove;
        IsPrivileged = host.Privileged;
        HasInit = host.Init ?? false;
        CapabilityAdd = [.. host.CapAdd ?? []];
        CapabilityDrop = [.. host.CapDrop ?? []];
        SecurityOptions = [.. host.SecurityOpt ?? []];
        Runtime = host.Runtime;
        LogDriver = host.LogConfig.Type;
        LogPath = data.LogPath;
        ExecIds = [.. data.ExecIDs ?? []];
        Session = session;
    }

    public string Id { get; }

    public string Name { get; }

    public string Image { get; }

    public string ImageId { get; }

    public string Platform { get; }

    public DateTimeOffset CreatedAt { get; }

    public ContainerState State { get; }

    public ContainerHealth Health { get; }

    /// <summary>The last checks, oldest first.</summary>
    public ContainerHealthResult[] HealthLog { get; }

    public ContainerHealthCheck? HealthCheck { get; }

    /// <summary>The first process as the host sees it; null when it does not run.</summary>
    public int? ProcessId { get; }

    public DateTimeOffset? StartedAt { get; }

    public DateTimeOffset? FinishedAt { get; }

    /// <summary>Null until it has ended.</summary>
    public int? ExitCode { get; }

    /// <summary>Why it could not be started.</summary>
    public string Error { get; }

    /// <summary>The kernel ended it for want of memory.</summary>
    public bool IsOutOfMemory { get; }

    public int RestartCount { get; }

    /// <summary>The whole command line: entry point and arguments.</summary>
    public string[] Command { get; }

    public string[] Entrypoint { get; }

    public string[] Arguments { get; }

    public ReadOnlyDictionary<string, string> Environment { get; }

    public string WorkingDirectory { get; }

    public string User { get; }

    public string[] Groups { get; }

    public string Hostname { get; }

    public string DomainName { get; }

    public ReadOnlyDictionary<string, string> Labels { get; }

    public bool HasTty { get; }

    public bool HasOpenStdin { get; }

    public string StopSignal { get; }

    public TimeSpan? StopTimeout { get; }

    /// <summary>As they are now: none are published while it does not run.</summary>
    public ContainerPortBinding[] Ports { get; }

    /// <summary>As they were asked for.</summary>
    public ContainerPortBinding[] RequestedPorts { get; }

    public string NetworkMode { get; }

    public ContainerEndpoint[] Networks { get; }

    public string[] Dns { get; }

    public string[] ExtraHosts { get; }

    public ContainerMount[] Mounts { get; }

    public bool IsReadOnly { get; }

    /// <summary>Bytes that it has written; only with <c>-Size</c>.</summary>
    public long? SizeWritten { get; }

    /// <summary>Bytes of its whole root file system; only with <c>-Size</c>.</summary>
    public long? SizeRoot { get; }

    public string StorageDriver { get; }

    /// <summary>Bytes; null is no limit. The same for the other limits.</summary>
    public long? Memory { get; }

    public long? MemoryReservation { get; }

    /// <summary>Memory and swap together; -1 is unlimited swap.</summary>
    public long? MemorySwap { get; }

    /// <summary>CPUs: 1.5.</summary>
    public double? Cpu { get; }

    public long? CpuShare { get; }

    public string CpuSet { get; }

    public long? PidLimit { get; }

    public ContainerRestartPolicy RestartPolicy { get; }

    public bool IsRemovedAutomatically { get; }

    public bool IsPrivileged { get; }

    public bool HasInit { get; }

    public string[] CapabilityAdd { get; }

    public string[] CapabilityDrop { get; }

    public string[] SecurityOptions { get; }

    public string Runtime { get; }

    public string LogDriver { get; }

    public string LogPath { get; }

    /// <summary>Processes that were started in it besides its own.</summary>
    public string[] ExecIds { get; }

    public EngineSession Session { get; }

    private static long? Limit(long value) => value == 0 ? null : value;

    public override string ToString() => Name;
}

/// <summary>One run of a health check.</summary>
public sealed class ContainerHealthResult
{
    internal ContainerHealthResult(HealthResult result)
    {
        StartedAt = WireTime.Parse(result.Start);
        FinishedAt = WireTime.Parse(result.End);
        ExitCode = result.ExitCode;
        Output = result.Output;
    }

    public DateTimeOffset? StartedAt { get; }

    public DateTimeOffset? FinishedAt { get; }

    /// <summary>0 is healthy.</summary>
    public int ExitCode { get; }

    public string Output { get; }
}
