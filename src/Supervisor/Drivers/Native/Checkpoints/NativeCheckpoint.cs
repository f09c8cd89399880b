using System.Globalization;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Oci;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native.Checkpoints;

/// <summary>Writes native containers down and brings them back, by criu.</summary>
/// <remarks>
/// What a container has from outside is named to criu as external and given anew on restore: its standard streams are other pipes then, its network
/// another namespace with another address, its bind mounts and its cgroup are those of the new start. Established TCP connections are closed: they
/// belong to an address that the container has no more.
/// </remarks>
internal static class NativeCheckpoint
{
    private const string NetworkKey = "engineNetwork";
    private static readonly string[] Common = ["--tcp-close", "--ext-unix-sk", "--file-locks", "--manage-cgroups=ignore"];

    public static void Dump(CheckpointRequest request, ContainerState state, PidFd init)
    {
        if (state.Terminal) throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = "a container with a terminal cannot be checkpointed: its terminal belongs to the engine" });
        var mounts = MountTable.External(MountTable.Read(init.Pid), state.Binds);
        ulong network = NetworkOf(init.Pid.ToString(CultureInfo.InvariantCulture));
        var manifest = new CheckpointManifest
        {
            StdinPipe = state.StdinPipe, StdoutPipe = state.StdoutPipe, StderrPipe = state.StderrPipe,
            OwnNetwork = network != NetworkOf("self"), Mounts = mounts,
        };
        List<string> arguments = ["--tree", init.Pid.ToString(CultureInfo.InvariantCulture), "--images-dir", request.Directory, .. Common];
        if (request.LeaveRunning) arguments.Add("--leave-running");
        if (manifest.OwnNetwork) arguments.AddRange(["--external", $"net[{network}]:{NetworkKey}"]);
        foreach (var mount in mounts) arguments.AddRange(["--external", $"mnt[{mount.Path}]:{mount.Cookie}"]);
        new CriuProgram(request.Criu, Path.Combine(state.StateDirectory, "criu")).Run("dump", arguments);
        manifest.Write(request.Directory);
    }

    private static ulong NetworkOf(string process)
    {
        using var network = OpenFile.ReadOnly($"/proc/{process}/ns/net");
        return PathStatus.Of(network).Inode;
    }

    /// <summary>Makes the container's processes anew, in its cgroup.</summary>
    /// <returns>The first process: a child of this process, to which criu has left it.</returns>
    public static PidFd Restore(StartRequest request, ICgroup cgroup, CgroupLayout layout)
    {
        var run = request.Run;
        var root = request.Root!;
        var manifest = CheckpointManifest.Read(run.CheckpointDirectory!);
        var paths = new BundlePaths(Path.Combine(run.StateDirectory, "restore"));
        using var layoutOfMounts = BundleMounts.LayOut(request, root, paths);
        using var entry = cgroup.OpenEntry();
        string pidFile = Path.Combine(paths.Bundle, "pid");
        var inherited = new List<Fd>();
        List<string> arguments = ["--images-dir", run.CheckpointDirectory!, "--root", paths.Root, "--restore-detached", "--pidfile", pidFile, .. Common];
        void Inherit(Fd? fd, string resource)
        {
            if (fd is null) return;
            inherited.Add(fd);
            arguments.AddRange(["--inherit-fd", $"fd[{fd.Number}]:{resource}"]);
        }

        if (manifest.StdinPipe != 0) Inherit(request.Stdio.Stdin, $"pipe:[{manifest.StdinPipe}]");
        if (manifest.StdoutPipe != 0) Inherit(request.Stdio.Stdout, $"pipe:[{manifest.StdoutPipe}]");
        if (manifest.StderrPipe != 0) Inherit(request.Stdio.Stderr, $"pipe:[{manifest.StderrPipe}]");
        if (manifest.OwnNetwork) Inherit(request.Namespaces.GetValueOrDefault("network"), NetworkKey);
        foreach (var mount in manifest.Mounts) arguments.AddRange(["--external", $"mnt[{mount.Cookie}]:{Source(mount, run.Spec, paths, cgroup, layout)}"]);

        new CriuProgram(run.Criu, Path.Combine(run.StateDirectory, "criu")).Run("restore", arguments, program => program with
        {
            Mounts = layoutOfMounts.All,
            CgroupFiles = entry.ProcsFiles,
            CgroupDirectory = entry.Directory,
            Inherited = inherited,
        });
        return PidFd.Open(OciDriver.ReadPid(pidFile));
    }

    /// <summary>Where criu finds what is to be mounted.</summary>
    private static string Source(ExternalMount mount, RuntimeSpec spec, BundlePaths paths, ICgroup cgroup, CgroupLayout layout)
    {
        switch (mount.Kind)
        {
            case ExternalKind.Null:
                return "/dev/null";
            case ExternalKind.Cgroup:
                var hierarchy = layout.Hierarchies.FirstOrDefault(h => Path.GetFileName(h.MountPoint) == mount.Detail) ?? layout.Hierarchies[0];
                return cgroup.PathIn(hierarchy);
            default:
                string destination = mount.Path[..^mount.Detail.Length];
                int index = spec.Mounts.FindIndex(m => m.Destination == destination && m.Type is "bind" or "file");
                if (index < 0) throw new DriverException(new Failure { Message = $"the checkpoint has a mount at {destination}, and the container has none there" });
                return paths.Mount(index) + mount.Detail;
        }
    }
}
