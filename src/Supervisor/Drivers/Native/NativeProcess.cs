using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Starts processes whose first steps are a child program: first ones of containers, and others inside.</summary>
internal static class NativeProcess
{
    public static ProgramStdio Streams(ChildStdio stdio) => new(stdio.Stdin, stdio.Stdout, stdio.Stderr, stdio.ConsoleSocket) { NoInput = stdio.NoInput };

    /// <summary>Starts a child; what the kernel refuses becomes the user's error.</summary>
    public static PidFd Begin(ContainerChild child, ChildOptions options)
    {
        try
        {
            return ChildProcess.Start(child.Program, options);
        }
        catch (KernelException e)
        {
            throw Failure(e, child);
        }
    }

    /// <summary>What a child reported, in the words for the user.</summary>
    public static DriverException Failure(KernelException error, ContainerChild child)
    {
        if (CommandFailure.Is(error)) return new DriverException(CommandFailure.Describe(error, child.Command, child.CommandDenied), error);
        if (MountFailure.Is(error)) return new DriverException(MountFailure.Describe(error), error);
        return new DriverException(new Failure { Message = error.Message, Step = error.Step, Errno = (int)error.Errno }, error);
    }

    /// <summary>Starts another process in a running container, whoever has started that.</summary>
    public static PidFd Exec(CgroupContainer container, ExecRequest request, ChildStdio stdio)
    {
        var state = container.State;
        var namespaces = ContainerProgram.Namespaces.Where(n => state.Namespaces.Exists(s => s.Type == n.Type)).Aggregate(CloneFlags.None, (flags, n) => flags | n.Flag);
        // Its processes may trace others (CAP_SYS_PTRACE): a new one must not share the supervisor's memory for an instant (CVE-2016-9962).
        bool mayTrace = state.SharesPidNamespace || CapabilitySet.Parse(state.Bounding ?? []).Contains(Capability.SysPtrace);
        using var entry = container.Cgroup.OpenEntry();
        using var pidNamespace = mayTrace ? null : OpenFile.ReadOnly($"/proc/{container.Init.Pid}/ns/pid_for_children");
        var (filter, flags) = SeccompFilters.Compile(request.Seccomp);
        using var child = ContainerProgram.BuildExec(new ExecInput
        {
            Process = request.Process,
            Container = container.Init,
            Namespaces = namespaces,
            MayBeTraced = mayTrace,
            Stdio = Streams(stdio),
            CgroupFiles = entry.ProcsFiles,
            SeccompFilter = filter,
            SeccompFlags = flags,
        });
        return Begin(child, new ChildOptions { Cgroup = entry.Directory, PidNamespace = pidNamespace });
    }
}
