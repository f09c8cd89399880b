using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>How a child is started.</summary>
public sealed record ChildOptions
{
    /// <summary>Namespaces to create.</summary>
    public CloneFlags Namespaces { get; init; }

    /// <summary>The child gets a copy of the address space. Costs milliseconds; needed where a container's process may look into the child before it execs (ptrace).</summary>
    public bool CopyMemory { get; init; }

    /// <summary>A cgroup v2 directory in which the child is born.</summary>
    public Fd? Cgroup { get; init; }

    /// <summary>Descriptors that the child opens are the parent's too.</summary>
    public bool ShareFiles { get; init; }

    /// <summary>A pid namespace for the child to be born in.</summary>
    public Fd? PidNamespace { get; init; }
}

/// <summary>Starts children whose first steps are a <see cref="ChildProgram"/>.</summary>
/// <remarks>
/// The child sends no SIGCHLD (exit_signal 0) and is waited for by its pidfd, so the runtime's own reaper leaves it alone. It starts with every signal
/// blocked and every handler reset; its program unblocks them as its last step before execve.
/// </remarks>
public static unsafe class ChildProcess
{
    /// <summary>This process's own pid namespace, to return to after a birth in another one.</summary>
    private static readonly Fd OwnPidNamespace = OpenFile.ReadOnly("/proc/self/ns/pid_for_children");

    /// <summary>Runs the program up to its execve; the calling thread sleeps until then. The child is reaped when it fails.</summary>
    /// <exception cref="KernelException">The step that failed, or clone3 itself.</exception>
    public static PidFd Start(ChildProgram program, ChildOptions options)
    {
        var child = Clone(program, options, suspendParent: true);
        if (program.RebornPid is { } pid) child = Follow(program, child, pid);
        return program.Failure is { } failure ? throw Reap(child, failure) : child;
    }

    /// <summary>Lets go of the first process of a program and takes the second: a child of this process too, so its number stays its own until it is reaped.</summary>
    private static PidFd Follow(ChildProgram program, PidFd first, int second)
    {
        if (second == 0) throw Reap(first, program.Failure ?? new KernelException("start a process", Errno.ESRCH));
        AwaitEnd(first);
        first.Dispose();
        return PidFd.Open(second);
    }

    /// <summary>Runs a program that never execs but exits: work that has to be done by another process. Throws what it reported.</summary>
    public static void Run(ChildProgram program, ChildOptions options)
    {
        program.Call("exit", SyscallNumber.ExitGroup, 0);
        using var child = Start(program, options);
        AwaitEnd(child);
    }

    /// <summary>What it did is known already: who reaps it does not matter.</summary>
    internal static void AwaitEnd(PidFd child)
    {
        try
        {
            child.Wait();
        }
        catch (KernelException e) when (e.Errno == Errno.ECHILD)
        {
            // Reaped by whoever takes care of this process's orphans.
        }
    }

    /// <summary>Starts a child that goes its way beside its parent: the program itself says when it is ready, through a pipe of its own.</summary>
    public static PidFd StartDetached(ChildProgram program, ChildOptions options) => Clone(program, options with { CopyMemory = true }, suspendParent: false);

    /// <summary>For a detached child whose pipe has ended: throws what it reported, having reaped it.</summary>
    public static void ThrowIfFailed(ChildProgram program, PidFd child)
    {
        if (program.Failure is { } failure) throw Reap(child, failure);
    }

    private static KernelException Reap(PidFd child, KernelException failure)
    {
        AwaitEnd(child);
        child.Dispose();
        return failure;
    }

    private static PidFd Clone(ChildProgram program, ChildOptions options, bool suspendParent)
    {
        program.Seal();
        var memory = program.Memory;
        int* pidFd = (int*)memory.Allocate(sizeof(nint));
        *pidFd = -1;
        var flags = options.Namespaces | CloneFlags.PidFd | CloneFlags.ClearSignalHandlers;
        if (options.ShareFiles) flags |= CloneFlags.SharedFiles;
        if (!options.CopyMemory) flags |= CloneFlags.SharedMemory;
        if (suspendParent) flags |= CloneFlags.SuspendParent;
        if (options.Cgroup is not null) flags |= CloneFlags.IntoCgroup;
        *memory.CloneArguments = new CloneArguments { Flags = (ulong)flags, PidFd = (ulong)pidFd, Cgroup = (ulong)(options.Cgroup?.Number ?? 0) };
        *memory.Context = new ChildContext
        {
            Clone = memory.CloneArguments,
            CloneSize = sizeof(CloneArguments),
            Steps = memory.Steps,
            JoinPidNamespace = options.PidNamespace?.Number ?? -1,
            OwnPidNamespace = OwnPidNamespace.Number,
        };
        ulong all = ulong.MaxValue, before = 0;
        const int block = 0, set = 2;
        Syscall.Fast(SyscallNumber.RtSigprocmask, block, (nint)(&all), (nint)(&before), sizeof(ulong));
        nint pid = Interpreter.Start(memory.Context);
        Syscall.Fast(SyscallNumber.RtSigprocmask, set, (nint)(&before), 0, sizeof(ulong));
        GC.KeepAlive(options);
        if (memory.Context->LeaveResult < 0) Environment.FailFast("a thread could not leave a container's pid namespace");
        Syscall.Check(pid, options.PidNamespace is null ? "clone3" : "join the pid namespace and clone3");
        return new PidFd(*pidFd, (int)pid);
    }
}
