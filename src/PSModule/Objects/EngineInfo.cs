using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Objects;

/// <summary>What an engine says about itself and its host.</summary>
public sealed class EngineInfo
{
    internal EngineInfo(InfoResponse info, VersionResponse version, EngineSession session)
    {
        Name = info.Name;
        Id = info.ID;
        Platform = session.Platform;
        Version = version.Version;
        ApiVersion = System.Version.TryParse(version.ApiVersion, out var api) ? api : new Version();
        MinimumApiVersion = System.Version.TryParse(version.MinAPIVersion, out var minimum) ? minimum : new Version();
        Containers = info.Containers;
        ContainersRunning = info.ContainersRunning;
        ContainersPaused = info.ContainersPaused;
        ContainersStopped = info.ContainersStopped;
        Images = info.Images;
        StorageDriver = info.Driver;
        LogDriver = info.LoggingDriver;
        CgroupDriver = info.CgroupDriver;
        CgroupVersion = info.CgroupVersion;
        Runtimes = [.. info.Runtimes.Keys];
        DefaultRuntime = info.DefaultRuntime;
        SecurityOptions = [.. info.SecurityOptions];
        RootDirectory = info.DockerRootDir;
        OperatingSystem = info.OperatingSystem;
        KernelVersion = info.KernelVersion;
        Architecture = info.Architecture;
        CpuCount = info.NCPU;
        Memory = info.MemTotal;
        SystemTime = WireTime.Parse(info.SystemTime);
        IsDebug = info.Debug;
        IsExperimental = info.ExperimentalBuild;
        IsLiveRestoreEnabled = info.LiveRestoreEnabled;
        Labels = [.. info.Labels];
        Warnings = [.. info.Warnings ?? []];
        Session = session;
    }

    /// <summary>The host's name.</summary>
    public string Name { get; }

    public string Id { get; }

    /// <summary>The engine's product name.</summary>
    public string Platform { get; }

    public string Version { get; }

    public Version ApiVersion { get; }

    public Version MinimumApiVersion { get; }

    public int Containers { get; }

    public int ContainersRunning { get; }

    public int ContainersPaused { get; }

    public int ContainersStopped { get; }

    public int Images { get; }

    public string StorageDriver { get; }

    public string LogDriver { get; }

    public string CgroupDriver { get; }

    public string CgroupVersion { get; }

    public string[] Runtimes { get; }

    public string DefaultRuntime { get; }

    public string[] SecurityOptions { get; }

    public string RootDirectory { get; }

    public string OperatingSystem { get; }

    public string KernelVersion { get; }

    public string Architecture { get; }

    public int CpuCount { get; }

    /// <summary>The host's memory in bytes.</summary>
    public long Memory { get; }

    public DateTimeOffset? SystemTime { get; }

    public bool IsDebug { get; }

    public bool IsExperimental { get; }

    public bool IsLiveRestoreEnabled { get; }

    public string[] Labels { get; }

    /// <summary>What the engine finds wrong with its host.</summary>
    public string[] Warnings { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Platform} {Version} on {Name}";
}

/// <summary>Whether an engine answers, and how fast.</summary>
public sealed class EngineTestResult
{
    internal EngineTestResult(string uri, bool answers, TimeSpan? latency, Version? apiVersion, string? error)
    {
        Uri = uri;
        Answers = answers;
        Latency = latency;
        ApiVersion = apiVersion;
        Error = error;
    }

    public string Uri { get; }

    public bool Answers { get; }

    /// <summary>From the question to the answer; null when there was none.</summary>
    public TimeSpan? Latency { get; }

    /// <summary>The newest that the engine speaks.</summary>
    public Version? ApiVersion { get; }

    public string? Error { get; }

    public override string ToString() => Answers ? $"{Uri} answers" : $"{Uri}: {Error}";
}
