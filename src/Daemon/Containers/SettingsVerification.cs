using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Systemd;

namespace Gantry.Daemon.Containers;

/// <summary>Refuses settings that cannot work, before anything is made (reference B18; texts as recorded).</summary>
internal static class SettingsVerification
{
    public const string NotASlice = "cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\"";
    private const long MinimumMemory = 6 << 20;

    /// <exception cref="EngineException">400 with what is wrong.</exception>
    /// <param name="warnings">Gets what is said about settings that have no effect here.</param>
    public static void Verify(ContainerConfig config, HostConfig host, HostFacts facts, List<string> warnings)
    {
        VerifyConfig(config);
        VerifyResources(host, facts, warnings);
        VerifyHost(host, facts);
        if (facts.Remapped && host.UsernsMode != "host") VerifyRemapped(host, facts);
        if (config.Hostname.Length > 0 && host.UTSMode == "host") throw EngineException.InvalidParameter("conflicting options: hostname and the UTS mode");
    }

    private static void VerifyConfig(ContainerConfig config)
    {
        if (config.WorkingDir.Length > 0 && !config.WorkingDir.StartsWith('/'))
            throw EngineException.InvalidParameter($"the working directory '{config.WorkingDir}' is invalid, it needs to be an absolute path");
        if (!string.IsNullOrEmpty(config.StopSignal)) Signals.Parse(config.StopSignal);
        foreach (string entry in config.Env ?? [])
        {
            if (entry.Length == 0 || entry[0] == '=') throw EngineException.InvalidParameter($"invalid environment variable: {entry}");
            RefuseNul("environment variable", entry);
        }
        foreach (string word in config.Cmd ?? []) RefuseNul("command", word);
        foreach (string word in config.Entrypoint ?? []) RefuseNul("entrypoint", word);
        RefuseNul("host name", config.Hostname);
        if (config.Hostname.Length > 64) throw EngineException.InvalidParameter($"invalid hostname format: {config.Hostname[..64]}… is longer than 64 characters");
        foreach (string port in config.ExposedPorts?.Keys ?? Enumerable.Empty<string>()) PortSpec.Parse(port);
        if (config.Healthcheck is { } health) VerifyHealth(health);
    }

    private static void RefuseNul(string what, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal)) throw EngineException.InvalidParameter($"the {what} must not contain a NUL character");
    }

    private static void VerifyHealth(HealthConfig health)
    {
        const long minimum = 1_000_000;
        if (health.Interval != 0 && health.Interval < minimum) throw EngineException.InvalidParameter("Interval in Healthcheck cannot be less than 1ms");
        if (health.Timeout != 0 && health.Timeout < minimum) throw EngineException.InvalidParameter("Timeout in Healthcheck cannot be less than 1ms");
        if (health.Retries < 0) throw EngineException.InvalidParameter("Retries in Healthcheck cannot be negative");
        if (health.StartPeriod != 0 && health.StartPeriod < minimum) throw EngineException.InvalidParameter("StartPeriod in Healthcheck cannot be less than 1ms");
        if (health.StartInterval != 0 && health.StartInterval < minimum) throw EngineException.InvalidParameter("StartInterval in Healthcheck cannot be less than 1ms");
        if (health.Test is { Count: > 0 } test && test[0] is not ("NONE" or "CMD" or "CMD-SHELL"))
            throw EngineException.InvalidParameter($"Unknown healthcheck type \"{test[0]}\" (expected 'CMD', 'CMD-SHELL' or 'NONE')");
    }

    /// <summary>Limits; also of an update, which may leave any of them out.</summary>
    public static void VerifyResources(Resources limits, HostFacts facts, List<string> warnings, bool update = false)
    {
        if (limits.Memory != 0 && limits.Memory < MinimumMemory) throw EngineException.InvalidParameter("Minimum memory limit allowed is 6MB");
        if (limits.Memory > 0 && limits.MemorySwap > 0 && limits.MemorySwap < limits.Memory)
            throw EngineException.InvalidParameter("Minimum memoryswap limit should be larger than memory limit, see usage");
        if (limits.Memory == 0 && limits.MemorySwap > 0 && !update)
            throw EngineException.InvalidParameter("You should always set the Memory limit when using Memoryswap limit, see usage");
        if (limits.MemorySwappiness is { } swappiness and not (>= -1 and <= 100))
            throw EngineException.InvalidParameter($"Invalid value: {swappiness}, valid memory swappiness range is 0-100");
        if (limits.MemoryReservation != 0 && limits.MemoryReservation < MinimumMemory) throw EngineException.InvalidParameter("Minimum memory reservation allowed is 6MB");
        if (limits.Memory > 0 && limits.MemoryReservation > 0 && limits.Memory < limits.MemoryReservation)
            throw EngineException.InvalidParameter("Minimum memory limit can not be less than memory reservation limit, see usage");
        VerifyCpu(limits, facts);
        if (limits.BlkioWeight is > 0 and (< 10 or > 1000)) throw EngineException.InvalidParameter("Range of blkio weight is from 10 to 1000");
        foreach (var device in limits.BlkioWeightDevice ?? [])
        {
            if (device.Weight is < 10 or > 1000) throw EngineException.InvalidParameter("Range of blkio weight is from 10 to 1000");
        }
        if (limits.CpuPercent > 0) warnings.Add("linux does not support CPU percent. Percent discarded.");
        if (limits.IOMaximumIOps != 0) throw EngineException.InvalidParameter("invalid option: QoS maximum IOPs configuration is not supported on linux");
        if (limits.IOMaximumBandwidth != 0) throw EngineException.InvalidParameter("invalid option: QoS maximum bandwidth configuration is not supported on linux");
        foreach (string rule in limits.DeviceCgroupRules ?? []) DeviceCgroupRule.Parse(rule);
    }

    private static void VerifyCpu(Resources limits, HostFacts facts)
    {
        if (limits.NanoCpus != 0)
        {
            if (limits.CpuPeriod > 0) throw EngineException.InvalidParameter("Conflicting options: Nano CPUs and CPU Period cannot both be set");
            if (limits.CpuQuota > 0) throw EngineException.InvalidParameter("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
            if (limits.NanoCpus < 0 || limits.NanoCpus > facts.Cpus * 1_000_000_000L)
                throw EngineException.InvalidParameter(string.Create(CultureInfo.InvariantCulture, $"range of CPUs is from 0.01 to {facts.Cpus}.00, as there are only {facts.Cpus} CPUs available"));
        }
        if (limits.CpuShares < 0) throw EngineException.InvalidParameter(string.Create(CultureInfo.InvariantCulture, $"invalid CPU shares ({limits.CpuShares}): value must be a positive integer"));
        if (limits.CpuPeriod != 0 && limits.CpuPeriod is < 1000 or > 1_000_000) throw EngineException.InvalidParameter("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        if (limits.CpuQuota is > 0 and < 1000) throw EngineException.InvalidParameter("CPU cfs quota can not be less than 1ms (i.e. 1000)");
        if (limits.CpuRealtimePeriod > 0 && limits.CpuRealtimeRuntime > limits.CpuRealtimePeriod)
            throw EngineException.InvalidParameter("cpu real-time runtime cannot be higher than cpu real-time period");
        CpuList.Verify(limits.CpusetCpus, "CPUs", CpuList.OnlineCpus);
        CpuList.Verify(limits.CpusetMems, "memory nodes", CpuList.OnlineNodes);
    }

    private static void VerifyHost(HostConfig host, HostFacts facts)
    {
        VerifyRestartPolicy(host.RestartPolicy, host.AutoRemove);
        if (host.ShmSize < 0) throw EngineException.InvalidParameter("SHM size can not be less than 0");
        if (host.OomScoreAdj is < -1000 or > 1000) throw EngineException.InvalidParameter(string.Create(CultureInfo.InvariantCulture, $"Invalid value {host.OomScoreAdj}, range for oom score adj is [-1000, 1000]"));
        CapabilityRules.Of(host);
        SecurityOptions.Parse(host);
        foreach (string server in host.Dns ?? [])
        {
            if (!System.Net.IPAddress.TryParse(server, out _)) throw EngineException.InvalidParameter($"bad nameserver address {server}: unable to parse IP");
        }
        foreach (string extra in host.ExtraHosts ?? [])
        {
            int separator = extra.IndexOf(':', StringComparison.Ordinal);
            if (separator <= 0 || (extra[(separator + 1)..] != "host-gateway" && !System.Net.IPAddress.TryParse(extra[(separator + 1)..].Trim('[', ']'), out _)))
                throw EngineException.InvalidParameter($"bad format for add-host: \"{extra}\"");
        }
        foreach (var (port, bindings) in host.PortBindings ?? [])
        {
            PortSpec.Parse(port);
            foreach (var binding in bindings ?? [])
            {
                if (binding.HostPort.Length > 0) PortSpec.ParseRange(binding.HostPort);
                if (binding.HostIp.Length > 0 && !System.Net.IPAddress.TryParse(binding.HostIp, out _)) throw EngineException.InvalidParameter($"invalid IP address: {binding.HostIp}");
            }
        }
        if (host.Runtime.Length > 0 && !facts.Runtimes.Contains(host.Runtime)) throw EngineException.InvalidParameter($"unknown or invalid runtime name: {host.Runtime}");
        if (facts.CgroupSlices && host.CgroupParent.Length > 0 && !SliceName.IsValid(host.CgroupParent)) throw EngineException.InvalidParameter(NotASlice);
        if (host.Isolation is not ("" or "default")) throw EngineException.InvalidParameter($"invalid isolation ({host.Isolation}): linux only supports 'default'");
        VerifyModes(host);
        VerifyStorage(host, facts);
        LogOptions.Verify(host.LogConfig);
        if (host.Annotations is { } annotations && annotations.ContainsKey("")) throw EngineException.InvalidParameter("invalid Annotations: the empty string is not permitted as an annotation key");
    }

    private static void VerifyRemapped(HostConfig host, HostFacts facts)
    {
        if (host.Privileged) throw EngineException.InvalidParameter("privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode");
        if (host.NetworkMode == "host") throw EngineException.InvalidParameter("cannot share the host's network namespace when user namespaces are enabled");
        if (host.PidMode == "host") throw EngineException.InvalidParameter("cannot share the host PID namespace when user namespaces are enabled");
        string runtime = host.Runtime.Length > 0 ? host.Runtime : facts.Runtimes[0];
        if (facts.DriverOf(runtime) != "native")
            throw EngineException.InvalidParameter($"the runtime {runtime} cannot be used with --userns-remap: only the native driver remaps; run the container with --userns host");
    }

    /// <summary>In dockerd's words, also for ext4, whose option is called <c>prjquota</c>.</summary>
    private static void VerifyStorage(HostConfig host, HostFacts facts)
    {
        foreach (var (option, value) in host.StorageOpt ?? [])
        {
            if (!option.Equals("size", StringComparison.OrdinalIgnoreCase)) throw EngineException.System($"Unknown option {option}");
            if (!facts.SizeLimits) throw EngineException.System("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
            SizeOf(value);
        }
    }

    /// <summary>Bytes of a storage option: <c>10G</c>.</summary>
    public static long SizeOf(string text)
    {
        try
        {
            return Options.OptionValues.Size(text) is > 0 and var bytes ? bytes : throw new FormatException($"invalid size: '{text}'");
        }
        catch (FormatException e)
        {
            throw EngineException.System(e.Message, e);
        }
    }

    private static void VerifyModes(HostConfig host)
    {
        if (host.PidMode is not ("" or "host") && !IsContainer(host.PidMode)) throw EngineException.InvalidParameter($"invalid PID mode: {host.PidMode}");
        if (host.IpcMode is not ("" or "host" or "private" or "shareable" or "none") && !IsContainer(host.IpcMode)) throw EngineException.InvalidParameter($"invalid IPC mode: {host.IpcMode}");
        if (host.UTSMode is not ("" or "host")) throw EngineException.InvalidParameter($"invalid UTS mode: {host.UTSMode}");
        if (host.CgroupnsMode is not ("" or "host" or "private")) throw EngineException.InvalidParameter($"invalid cgroup namespace mode: {host.CgroupnsMode}");
        if (host.UsernsMode is not ("" or "host")) throw EngineException.InvalidParameter($"invalid user namespace mode: {host.UsernsMode}");
    }

    public static bool IsContainer(string mode) => mode.StartsWith("container:", StringComparison.Ordinal) && mode.Length > "container:".Length;

    /// <summary>Also of an update.</summary>
    public static void VerifyRestartPolicy(RestartPolicy policy, bool autoRemove)
    {
        if (policy.Name is not ("" or "no" or "always" or "on-failure" or "unless-stopped"))
            throw EngineException.InvalidParameter($"invalid restart policy: unknown policy '{policy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        if (policy.MaximumRetryCount < 0) throw EngineException.InvalidParameter("invalid restart policy: maximum retry count cannot be negative");
        if (policy.MaximumRetryCount > 0 && policy.Name != "on-failure")
            throw EngineException.InvalidParameter("invalid restart policy: maximum retry count can only be used with 'on-failure'");
        if (autoRemove && policy.Name is not ("" or "no")) throw EngineException.InvalidParameter("can't create 'AutoRemove' container with restart policy");
    }
}
