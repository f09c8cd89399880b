using Gantry.Daemon.Containers;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Options;
using Gantry.Daemon.Storage;
using Gantry.Daemon.SystemInfo;
using Gantry.Linux.Cgroups;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Systemd;

namespace Gantry.Daemon.Hosting;

/// <summary>The engine's options in the form that the container service takes.</summary>
internal static class ContainerOptions
{
    public static ContainerSettings Settings(DaemonOptions options, StorageDriver storage) => new()
    {
        Storage = storage,
        DefaultSize = DefaultSize(options),
        DataRoot = options.DataRoot,
        ExecRoot = options.ExecRoot,
        Facts = new Containers.HostFacts
        {
            CgroupUnified = CgroupFacts.Read().Version == "2",
            Features = Features(),
            Remapped = options.UsernsRemap.Length > 0,
            Runtimes = [.. Runtimes(options)],
            RuntimePrograms = options.Runtimes.ToDictionary(r => r.Key, r => Program(r.Value), StringComparer.Ordinal),
            SizeLimits = SizeLimits.ArePossible(options.DataRoot),
            DefaultLogDriver = options.LogDriver,
            DefaultLogOptions = new SortedDictionary<string, string>(options.LogOptions.ToDictionary(), StringComparer.Ordinal),
            DefaultShmSize = options.DefaultShmSize,
            CgroupSlices = CgroupDriver(options) == ContainerGroups.Systemd,
        },
        Groups = Groups(options),
        DefaultUlimits = [.. options.DefaultUlimits.Select(u => new Ulimit { Name = u.Name, Soft = u.Soft, Hard = u.Hard })],
        InitPath = options.InitPath,
        Remap = options.UsernsRemap.Length == 0 ? null : SubordinateIds.Open(options.UsernsRemap),
        CriuPath = options.CriuPath,
        Experimental = options.Experimental,
        SeccompProfile = options.SeccompProfile switch
        {
            "" or "builtin" => null,
            "unconfined" => "unconfined",
            var path => File.ReadAllText(path),
        },
        LiveRestore = options.LiveRestore,
        ShutdownTimeout = options.ShutdownTimeout < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(options.ShutdownTimeout),
    };

    /// <summary>From <c>--storage-opt overlay2.size=10G</c>.</summary>
    /// <exception cref="OptionsException">Another option, or one that the file system cannot honour.</exception>
    private static long DefaultSize(DaemonOptions options)
    {
        long size = 0;
        foreach (string option in options.StorageOptions)
        {
            string[] parts = option.Split('=', 2);
            if (parts.Length != 2 || parts[0].ToLowerInvariant() is not ("size" or "overlay2.size" or "vfs.size")) throw new OptionsException($"unknown storage option {option}: overlay2.size=BYTES is there");
            if (!SizeLimits.ArePossible(options.DataRoot)) throw new OptionsException($"storage option {option}: the file system of {options.DataRoot} does not enforce project quotas; mount xfs with pquota, or ext4 with prjquota");
            size = OptionValues.Size(parts[1]);
        }
        return size;
    }

    /// <summary>As dockerd chooses: systemd's slices where systemd rules alone (cgroup v2), unless a parent is named that is a path.</summary>
    private static string CgroupDriver(DaemonOptions options) =>
        options.CgroupDriver ?? (SystemdManager.IsRunning && CgroupFacts.Read().Version == "2" && (options.CgroupParent.Length == 0 || SliceName.IsValid(options.CgroupParent))
            ? ContainerGroups.Systemd : ContainerGroups.FileSystem);

    /// <exception cref="OptionsException">The parent is no slice, or systemd is not there.</exception>
    private static ContainerGroups Groups(DaemonOptions options)
    {
        string driver = CgroupDriver(options);
        if (driver == ContainerGroups.FileSystem) return new ContainerGroups(driver, options.CgroupParent.Length > 0 ? options.CgroupParent : "/gantry", options.ExecRoot);
        if (!SystemdManager.IsRunning) throw new OptionsException("native.cgroupdriver=systemd: systemd does not manage this machine (there is no /run/systemd/system); leave the option out, or set it to cgroupfs");
        string slice = options.CgroupParent.Length > 0 ? options.CgroupParent : SliceName.System;
        if (!SliceName.IsValid(slice)) throw new OptionsException(SettingsVerification.NotASlice);
        try
        {
            return new ContainerGroups(driver, slice, options.ExecRoot);
        }
        catch (SystemdException e)
        {
            throw new OptionsException("native.cgroupdriver=systemd: " + e.Message);
        }
    }

    private static CgroupFeatures Features()
    {
        using var cgroups = new CgroupfsDriver(CgroupLayout.Detect());
        return cgroups.Features;
    }

    /// <summary>A name without a slash is looked for on the PATH, as a shell does; one that is not found is left for the start to complain about.</summary>
    private static IReadOnlyList<string> Program(RuntimeOption runtime) =>
        [runtime.Path.Contains('/', StringComparison.Ordinal) ? runtime.Path : SystemInfo.HostFacts.FindProgram(runtime.Path) ?? runtime.Path, .. runtime.Arguments];

    /// <summary>The default first.</summary>
    private static IEnumerable<string> Runtimes(DaemonOptions options)
    {
        string first = options.DefaultRuntime.Length > 0 ? options.DefaultRuntime : options.ExecDriver;
        return new[] { first, "native", "lxc" }.Concat(options.Runtimes.Keys).Distinct(StringComparer.Ordinal);
    }
}
