using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers.Native;

namespace Gantry.Supervisor.Runtime;

/// <summary>The verbs of the command line: one method each, here those that need few words.</summary>
internal sealed partial class RuntimeVerbs(RuntimeArguments arguments)
{
    private const string DefaultRoot = "/run/gantry-runtime";
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);
    private readonly RuntimeStore store = new(Path.GetFullPath(arguments.Value("root") ?? DefaultRoot));

    /// <summary>Looked for by the verbs that need it: each call is a process, which does nothing for nothing.</summary>
    private CgroupfsDriver Cgroups => field ??= new CgroupfsDriver(CgroupLayout.Detect());

    private static TextWriter Output => Console.Out;

    private NativeContainer Container(RuntimeState state) => new(PidFd.Open(state.Container.Pid), Cgroups.Open(state.Container.CgroupsPath), state.Container with { HasMemoryLimit = false });

    private RuntimeState Alive(string verb)
    {
        var state = store.Read(arguments.Id);
        string status = store.StatusOf(state);
        return status is "running" or "paused" or "created" ? state : throw new RuntimeException($"cannot {verb} a container that has stopped");
    }

    public int State()
    {
        arguments.AllowOnly();
        Output.WriteLine(System.Text.Json.JsonSerializer.Serialize(store.Answer(store.Read(arguments.Id)), RuntimeJson.Default.StateAnswer));
        return 0;
    }

    /// <summary>Lets the container's command run, and ends as soon as it does: callers begin to watch the container only then.</summary>
    public int Start()
    {
        arguments.AllowOnly();
        var state = store.Read(arguments.Id);
        var poststart = BundleHooks.Of(state.Bundle)?.Poststart;
        LetGo(state);
        if (poststart is not { Count: > 0 }) Syscall.Call(SyscallNumber.ExitGroup, 0);
        Hooks.Run("poststart", poststart, store.Answer(state));
        return 0;
    }

    private unsafe void LetGo(RuntimeState state)
    {
        string status = store.StatusOf(state);
        if (status != "created") throw new RuntimeException(status == "stopped" ? "cannot start a container that has stopped" : "cannot start an already running container");
        string path = store.StartFifo(state.Id);
        nint opened = OpenFile.TryOpen(path, OpenFlags.WriteOnly | OpenFlags.NonBlocking);
        if (opened == -(int)Errno.ENXIO) throw new RuntimeException("cannot start a container that has stopped");
        using var fifo = new Fd((int)Syscall.Check(opened, $"open {path}"));
        File.Delete(path);   // it is no longer "created"
        byte word = 1;
        Syscall.Check(Syscall.Call(SyscallNumber.Write, fifo.Number, (nint)(&word), 1), "let the container start");
    }

    public int Kill()
    {
        arguments.AllowOnly("all");
        string name = arguments.Operands.Count > 1 ? arguments.Operands[1] : "SIGTERM";
        if (!SignalName.TryParse(name, out int signal)) throw new RuntimeException($"unknown signal {name}");
        var state = store.Read(arguments.Id);
        bool alive = RuntimeStore.IsAlive(state);
        if (arguments.Has("all") && (alive || state.Container.SharesPidNamespace))
        {
            SignalAll(state, signal);
            return 0;
        }
        if (!alive) throw new RuntimeException("container not running");
        using var process = PidFd.Open(state.Container.Pid);
        if (!process.Signal(signal)) throw new RuntimeException("container not running");
        return 0;
    }

    private void SignalAll(RuntimeState state, int signal)
    {
        var cgroup = Cgroups.Open(state.Container.CgroupsPath);
        if (signal == 9)
        {
            cgroup.KillAsync(CancellationToken.None).GetAwaiter().GetResult();
            return;
        }
        foreach (int pid in cgroup.Processes()) Syscall.Call(SyscallNumber.Kill, pid, signal);
    }

    /// <summary>Removes a container that has ended, or with force any.</summary>
    public int Delete()
    {
        arguments.AllowOnly("force");
        bool force = arguments.Has("force");
        if (force && !store.Exists(arguments.Id))
        {
            store.Remove(arguments.Id);   // a create that was cut off
            return 0;
        }
        var state = store.Read(arguments.Id);
        string status = store.StatusOf(state);
        if (status is "running" or "paused" && !force) throw new RuntimeException($"cannot delete container {state.Id} that is not stopped: {status}");
        Remove(state);
        return 0;
    }

    private void Remove(RuntimeState state)
    {
        var cgroup = Cgroups.Open(state.Container.CgroupsPath);
        cgroup.KillAsync(CancellationToken.None).GetAwaiter().GetResult();
        WaitForEnd(state);
        if (!cgroup.TryDelete()) cgroup.DeleteAsync(EndLimit, CancellationToken.None).GetAwaiter().GetResult();
        var answer = store.Answer(state);
        var hooks = BundleHooks.Of(state.Bundle)?.Poststop;
        store.Remove(state.Id);
        try
        {
            Hooks.Run("poststop", hooks, answer);
        }
        catch (RuntimeException e)
        {
            Console.Error.WriteLine($"{RuntimeRole.Name}: {e.Message}");   // the container is removed all the same, as the specification wants it
        }
    }

    /// <summary>It need not be a child of this process: its end is seen, not collected.</summary>
    private static unsafe void WaitForEnd(RuntimeState state)
    {
        if (!RuntimeStore.IsAlive(state)) return;
        using var process = PidFd.Open(state.Container.Pid);
        ulong descriptor = 1UL << 32 | (uint)process.Number;
        long* limit = stackalloc long[2] { (long)EndLimit.TotalSeconds, 0 };
        nint ended = Syscall.CallRestarting(SyscallNumber.Ppoll, (nint)(&descriptor), 1, (nint)limit, 0);
        if (ended == 0) throw new RuntimeException($"container {state.Id} did not end");
    }

    public int Pause() => SetPaused(true);

    public int Resume() => SetPaused(false);

    private int SetPaused(bool paused)
    {
        arguments.AllowOnly();
        var state = Alive(paused ? "pause" : "resume");
        if (store.StatusOf(state) is var status && (paused ? status is not "running" : status is not "paused")) throw new RuntimeException(paused ? $"container not running: {status}" : $"container not paused: {status}");
        using (var container = Container(state).Init)
        {
            var cgroup = Cgroups.Open(state.Container.CgroupsPath);
            if (paused) cgroup.FreezeAsync(CancellationToken.None).GetAwaiter().GetResult();
            else cgroup.Thaw();
        }
        state.Paused = paused;
        store.Write(state);
        return 0;
    }

    public int Update()
    {
        arguments.AllowOnly("resources");
        var state = Alive("update");
        string file = arguments.Value("resources") ?? throw new RuntimeException("update needs --resources FILE, or - for standard input");
        string json = file == "-" ? Console.In.ReadToEnd() : File.ReadAllText(file);
        var resources = System.Text.Json.JsonSerializer.Deserialize(json, RuntimeJson.Default.ResourcesSpec) ?? throw new RuntimeException($"{file} holds no resources");
        resources.Devices = null;   // an update does not change them
        Cgroups.Open(state.Container.CgroupsPath).Apply(CgroupTranslation.Limits(resources));
        return 0;
    }
}
