using System.Globalization;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Systemd;

namespace Gantry.Supervisor.Runtime;

internal sealed partial class RuntimeVerbs
{
    /// <summary>Makes a container: everything but its command is done when this returns, and only its first process stays.</summary>
    public int Create()
    {
        arguments.AllowOnly("bundle", "pid-file", "console-socket", "no-pivot", "no-new-keyring", "preserve-fds");
        if (arguments.Has("no-pivot")) throw new RuntimeException("--no-pivot is not supported");
        using var bundle = Bundle.Read(arguments.Value("bundle") ?? ".");
        using var _ = Make(bundle, arguments.Value("console-socket"));
        return 0;
    }

    /// <summary>Create, start and, unless detached, wait and delete.</summary>
    public int Run()
    {
        arguments.AllowOnly("bundle", "pid-file", "console-socket", "detach", "keep", "no-pivot", "no-new-keyring", "preserve-fds");
        if (arguments.Has("no-pivot")) throw new RuntimeException("--no-pivot is not supported");
        using var bundle = Bundle.Read(arguments.Value("bundle") ?? ".");
        using var init = Make(bundle, arguments.Value("console-socket"));
        var state = store.Read(arguments.Id);
        LetGo(state);
        Hooks.Run("poststart", bundle.Spec.Hooks?.Poststart, store.Answer(state));
        if (arguments.Has("detach")) return 0;
        using var forwarded = SignalForwarding.To(init);
        int code = init.Wait()!.Value.Code;
        if (!arguments.Has("keep")) Remove(store.Read(arguments.Id));
        return code;
    }

    private PidFd Make(Bundle bundle, string? consoleSocket)
    {
        var spec = bundle.Spec;
        bool terminal = spec.Process!.Terminal;
        if (terminal && consoleSocket is null) throw new RuntimeException($"cannot allocate tty if {RuntimeRole.Name} will detach without setting console socket");
        if (!terminal && consoleSocket is not null) throw new RuntimeException("cannot use console socket if the process has no terminal");
        string id = arguments.Id;
        store.Reserve(id);
        ICgroup? cgroup = null;
        try
        {
            bundle.Open();
            SpecVerification.Verify(spec, bundle.Joins);
            foreach (var mount in spec.Mounts) mount.Destination = MountPointPath.Resolve(bundle.Root!, mount.Destination);
            SpecVerification.VerifyMounts(spec, bundle.MountSources);
            TmpfsModes.Fill(bundle.Root!, spec);
            DefaultDevices.Allow(spec);
            string? configured = spec.Linux.CgroupsPath ?? (arguments.Has("systemd-cgroup") ? ":gantry:" + id : null);
            string path = Bundle.CgroupPath(configured, id);
            using var keeper = StartScope(configured, id);
            cgroup = keeper is null ? Cgroups.Create(path) : Cgroups.Adopt(path);
            cgroup.Apply(CgroupTranslation.Limits(spec.Linux.Resources));
            using var console = consoleSocket is null ? null : ConsoleClient.Connect(consoleSocket);
            var init = Launch(bundle, cgroup, console, id);
            keeper?.Dispose();
            if (arguments.Value("pid-file") is { } pidFile) WritePid(pidFile, init.Pid);
            return init;
        }
        catch
        {
            cgroup?.KillAsync(CancellationToken.None).GetAwaiter().GetResult();
            cgroup?.TryDelete();
            store.Remove(id);
            throw;
        }
    }

    /// <summary>Has systemd make the container's scope where that is wanted (<c>--systemd-cgroup</c>). The process in it keeps it until the container's own is there.</summary>
    private Keeper? StartScope(string? configured, string id)
    {
        if (!arguments.Has("systemd-cgroup")) return null;
        if (Bundle.Scope(configured) is not { } scope)
            throw new RuntimeException($"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{configured}\" instead");
        var keeper = new Keeper();
        try
        {
            SystemdManager.StartScopeAsync(scope.Unit, scope.Slice, "Container " + id, keeper.Pid, CancellationToken.None).GetAwaiter().GetResult();
            return keeper;
        }
        catch (SystemdException e)
        {
            keeper.Dispose();
            throw new RuntimeException(e.Message, e);
        }
    }

    private PidFd Launch(Bundle bundle, ICgroup cgroup, Fd? console, string id)
    {
        var spec = bundle.Spec;
        bool hooked = spec.Hooks is { Prestart.Count: > 0 } or { CreateRuntime.Count: > 0 };
        using var ready = Pipe.Create();
        using var go = hooked ? Pipe.Create() : null;
        using var readyEnd = ready.Write.Duplicate(ProgramGate.Above);
        using var goEnd = go?.Read.Duplicate(ProgramGate.Above);
        using var start = MakeStartFifo(id);
        string staging = Path.Combine(store.Folder(id), "rootfs");
        Directory.CreateDirectory(staging);
        using var entry = cgroup.OpenEntry();
        var (filter, flags) = SeccompFilters.Compile(spec.Linux.Seccomp);
        using var child = ContainerProgram.Build(new ProgramInput
        {
            Spec = spec,
            Root = bundle.Root!,
            StagingDirectory = staging,
            Stdio = new ProgramStdio(null, null, null, console),   // without a terminal its streams are this process's own
            BindSources = bundle.MountSources,
            Joins = bundle.Joins,
            CgroupFiles = entry.ProcsFiles,
            CgroupViews = CgroupTranslation.Views(Cgroups.Layout, cgroup),
            CgroupUnified = Cgroups.Layout.Version == 2,
            SeccompFilter = filter,
            SeccompFlags = flags,
            Gate = new ProgramGate(readyEnd, goEnd, start, arguments.Number("preserve-fds")),
        });
        bool sharesPids = bundle.Joins.ContainsKey("pid") || spec.Linux.Namespaces.All(n => n.Type != "pid");
        var init = ChildProcess.StartDetached(child.Program, new ChildOptions { Namespaces = ContainerProgram.NewNamespaces(spec, bundle.Joins), Cgroup = entry.Directory, PidNamespace = bundle.Joins.GetValueOrDefault("pid") });
        readyEnd.Dispose();
        ready.Write.Dispose();
        try
        {
            var state = StateOf(bundle, cgroup, init, id, sharesPids);
            if (hooked)
            {
                Await(ready.Read, ProgramGate.Namespaces, child, init);
                var creating = store.Answer(state) with { Status = "creating" };
                Hooks.Run("prestart", spec.Hooks!.Prestart, creating);
                Hooks.Run("createRuntime", spec.Hooks.CreateRuntime, creating);
                Say(go!.Write);
            }
            Await(ready.Read, ProgramGate.Command, child, init);
            Directory.Delete(staging);
            store.Write(state);
            return init;
        }
        catch
        {
            End(init);
            throw;
        }
    }

    /// <summary>Ends a first process that is not to be, and collects it, unless its own failure has been read and it is collected already.</summary>
    private static void End(PidFd init)
    {
        if (init.IsClosed) return;
        init.Signal(9);
        init.Wait();
        init.Dispose();
    }

    private RuntimeState StateOf(Bundle bundle, ICgroup cgroup, PidFd init, string id, bool sharesPids) => new()
    {
        Id = id,
        Bundle = bundle.FilePath,
        Root = bundle.RootPath,
        Created = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture),
        Annotations = bundle.Spec.Annotations,
        Container = new ContainerState
        {
            Container = id,
            Driver = "native",
            Pid = init.Pid,
            PidStartTime = PidFd.StartTime(init.Pid) ?? 0,
            CgroupsPath = cgroup.Path,
            Namespaces = bundle.Spec.Linux.Namespaces,
            Bounding = bundle.Spec.Process?.Capabilities?.Bounding,
            SharesPidNamespace = sharesPids,
            StateDirectory = store.Folder(id),
        },
    };

    /// <summary>The fifo is open in both directions, so that neither the container nor its starter waits to open it.</summary>
    private Fd MakeStartFifo(string id)
    {
        using var folder = DirectoryFd.Open(store.Folder(id));
        folder.MakeNode("start", FileType.Fifo, 0x180);
        using var fifo = OpenFile.Open(store.StartFifo(id), OpenFlags.ReadWrite);
        return fifo.Duplicate(ProgramGate.Above);
    }

    private static unsafe void Await(Fd ready, byte expected, ContainerChild child, PidFd init)
    {
        byte word = 0;
        if (Syscall.CallRestarting(SyscallNumber.Read, ready.Number, (nint)(&word), 1) == 1 && word == expected) return;
        try
        {
            ChildProcess.ThrowIfFailed(child.Program, init);
        }
        catch (KernelException e)
        {
            throw NativeProcess.Failure(e, child);
        }
        throw new RuntimeException("the container's first process was killed while it was made");
    }

    private static unsafe void Say(Fd to)
    {
        byte word = 1;
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Write, to.Number, (nint)(&word), 1), "let the container go on");
    }

    private static void WritePid(string path, int pid)
    {
        File.WriteAllText(path + ".new", pid.ToString(CultureInfo.InvariantCulture));
        File.Move(path + ".new", path, overwrite: true);
    }
}
