using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Native.Checkpoints;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Runs containers by the kernel alone: a cgroup, a child program compiled from the spec, and clone3.</summary>
internal sealed class NativeDriver : IExecDriver
{
    private readonly ICgroupDriver cgroups = new CgroupfsDriver(CgroupLayout.Detect());
    private readonly string stagingDirectory;

    /// <param name="runRoot">The engine's directory for run-time state; an empty directory in it is where children put their root before they move in.</param>
    public NativeDriver(string runRoot)
    {
        stagingDirectory = Path.Combine(runRoot, "rootfs");
        Directory.CreateDirectory(stagingDirectory);
    }

    public IDriverContainer Start(StartRequest request)
    {
        var spec = request.Run.Spec;
        var root = request.Root ?? throw Unsupported("the native driver needs the root file system as a mount's descriptor");
        SpecVerification.Verify(spec, request.Namespaces);
        foreach (var mount in spec.Mounts) mount.Destination = MountPointPath.Resolve(root, mount.Destination);
        SpecVerification.VerifyMounts(spec, request.MountSources);
        TmpfsModes.Fill(root, spec);
        var cgroup = CreateCgroup(ContainerStates.CgroupPath(request.Run));
        PidFd? init = null;
        try
        {
            cgroup.Apply(CgroupTranslation.Limits(spec.Linux.Resources));
            bool sharesPids = request.Namespaces.ContainsKey("pid") || spec.Linux.Namespaces.All(n => n.Type != "pid");
            if (request.Run.CheckpointDirectory is not null)
            {
                init = NativeCheckpoint.Restore(request, cgroup, cgroups.Layout);
                return new NativeContainer(init, cgroup, ContainerStates.Of(request.Run, init, sharesPids));
            }
            using var entry = cgroup.OpenEntry();
            var (filter, flags) = SeccompFilters.Compile(spec.Linux.Seccomp);
            using var child = ContainerProgram.Build(new ProgramInput
            {
                Spec = spec,
                Root = root,
                StagingDirectory = stagingDirectory,
                Stdio = NativeProcess.Streams(request.Stdio),
                BindSources = request.MountSources,
                Joins = request.Namespaces,
                CgroupFiles = entry.ProcsFiles,
                CgroupViews = CgroupTranslation.Views(cgroups.Layout, cgroup),
                CgroupUnified = cgroups.Layout.Version == 2,
                SeccompFilter = filter,
                SeccompFlags = flags,
            });
            bool owned = request.Namespaces.ContainsKey("user");
            init = NativeProcess.Begin(child, new ChildOptions
            {
                Namespaces = owned ? CloneFlags.None : ContainerProgram.NewNamespaces(spec, request.Namespaces),
                Cgroup = entry.Directory,
                PidNamespace = owned ? null : request.Namespaces.GetValueOrDefault("pid"),
                CopyMemory = sharesPids && !owned,
            });
            return new NativeContainer(init, cgroup, ContainerStates.Of(request.Run, init, sharesPids));
        }
        catch
        {
            if (init is null) cgroup.TryDelete();
            else CgroupContainer.Clear(cgroup);   // it runs already, and nobody else would end it
            init?.Dispose();
            throw;
        }
    }

    /// <summary>The container runs nowhere, or its start would have been refused before: what is in its group was left by a start that was cut off.</summary>
    private ICgroup CreateCgroup(string path)
    {
        try
        {
            return cgroups.Create(path);
        }
        catch (KernelException e) when (e.Errno == Errno.EBUSY)
        {
            CgroupContainer.Clear(cgroups.Open(path));
            return cgroups.Create(path);
        }
    }

    public IDriverContainer Adopt(ContainerState state, PidFd init) => new NativeContainer(init, cgroups.Open(state.CgroupsPath), state);

    public void Clear(ContainerState state) => CgroupContainer.Clear(cgroups.Open(state.CgroupsPath));

    private static DriverException Unsupported(string message) => new(new Failure { Kind = FailureKind.Unsupported, Message = message });
}
