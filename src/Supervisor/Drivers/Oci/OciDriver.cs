using System.Globalization;
using System.Text.Json;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>Runs containers by any OCI runtime: runc, crun, or another program with their command line.</summary>
/// <remarks>
/// The runtime sees the root file system and the sources of bind mounts at paths in the bundle, in a mount namespace that ends with it: nothing appears
/// in the host's mount table. The container's process becomes a child of this process (a subreaper) when the runtime has ended.
/// </remarks>
internal sealed class OciDriver(string runRoot) : IExecDriver
{
    private readonly CgroupfsDriver cgroups = new(CgroupLayout.Detect());

    public IDriverContainer Start(StartRequest request)
    {
        var run = request.Run;
        var process = run.Spec.Process!;
        var root = request.Root ?? throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = "the oci driver needs the root file system as a mount's descriptor" });
        var runtime = Program(run.Runtime);
        var paths = new BundlePaths(Path.Combine(run.StateDirectory, "bundle"));
        Forget(runtime, run.Container, run.StateDirectory);
        foreach (var mount in run.Spec.Mounts) mount.Destination = MountPointPath.Resolve(root, mount.Destination);
        try
        {
            using var mounts = BundleMounts.LayOut(request, root, paths);
            var config = OciConfig.Translate(run.Spec, paths, request.MountSources.Keys.ToHashSet(), request.Namespaces.Keys.ToHashSet(StringComparer.Ordinal));
            File.WriteAllBytes(paths.Config, JsonSerializer.SerializeToUtf8Bytes(config, OciJson.Default.RuntimeSpec));
            using var console = process.Terminal ? new ConsoleListener(paths.Bundle, "console") : null;
            string pidFile = Path.Combine(paths.Bundle, "pid");
            List<string> create = ["create", "--bundle", paths.Bundle, "--pid-file", pidFile];
            if (console is not null) create.AddRange(["--console-socket", console.Path]);
            runtime.Run([.. create, run.Container], run.StateDirectory, process.Terminal ? null : request.Stdio, mounts.All, process.Args[0]);
            return Begin(request, runtime, pidFile, console);
        }
        catch
        {
            Forget(runtime, run.Container, run.StateDirectory);
            throw;
        }
    }

    private IDriverContainer Begin(StartRequest request, RuntimeProgram runtime, string pidFile, ConsoleListener? console)
    {
        var run = request.Run;
        var init = PidFd.Open(ReadPid(pidFile));
        try
        {
            console?.Forward(request.Stdio.ConsoleSocket!, run.Spec.Process!.ConsoleSize);
            bool sharesPids = request.Namespaces.ContainsKey("pid") || run.Spec.Linux.Namespaces.All(n => n.Type != "pid");
            var state = ContainerStates.Of(run, init, sharesPids);
            var container = new OciContainer(runtime, init, cgroups.Open(state.CgroupsPath), state);
            runtime.Run(["start", run.Container], run.StateDirectory, command: run.Spec.Process!.Args[0]);
            return container;
        }
        catch
        {
            init.Signal(9);
            init.Wait();
            init.Dispose();
            throw;
        }
    }

    public IDriverContainer Adopt(ContainerState state, PidFd init) =>
        new OciContainer(Program(state.Runtime), init, cgroups.Open(state.CgroupsPath), state);

    public void Clear(ContainerState state)
    {
        Forget(Program(state.Runtime), state.Container, state.StateDirectory);
        CgroupContainer.Clear(cgroups.Open(state.CgroupsPath));
    }

    internal static int ReadPid(string path) => int.Parse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>crun takes a hybrid machine for one with cgroup v2 and then finds no controllers there: where v1 rules, no runtime sees the other hierarchy.</summary>
    private RuntimeProgram Program(List<string>? command)
    {
        if (command is not { Count: > 0 }) throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = "the oci driver needs the path of a runtime" });
        string stateRoot = Path.Combine(runRoot, "runtime-" + Path.GetFileName(command[0]));
        Directory.CreateDirectory(stateRoot);
        string[] hidden = cgroups.Layout.Kind == CgroupKind.Hybrid ? [.. cgroups.Layout.Hierarchies.Where(h => h.Unified).Select(h => h.MountPoint)] : [];
        return new RuntimeProgram(command, stateRoot, hidden);
    }

    /// <summary>What an attempt that was cut off, or that failed, has left of the same container.</summary>
    private static void Forget(RuntimeProgram runtime, string container, string stateDirectory)
    {
        if (!Path.Exists(Path.Combine(runtime.StateRoot, container))) return;
        try
        {
            runtime.Run(["delete", "--force", container], stateDirectory);
        }
        catch (DriverException)
        {
            // The start that comes next, or has failed before, says what is wrong.
        }
    }
}
