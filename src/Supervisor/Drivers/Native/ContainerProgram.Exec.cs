using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>What the program of an exec needs beside the process.</summary>
internal sealed record ExecInput
{
    public required ProcessSpec Process { get; init; }

    /// <summary>The container's first process, whose namespaces are joined.</summary>
    public required PidFd Container { get; init; }

    /// <summary>Those that differ from the supervisor's.</summary>
    public required CloneFlags Namespaces { get; init; }

    /// <summary>
    /// The container's processes may trace others: the new one comes among them with nothing of the supervisor's, neither memory nor descriptors
    /// (CVE-2016-9962). Otherwise it is born in the pid namespace straight away.
    /// </summary>
    public required bool MayBeTraced { get; init; }

    public required ProgramStdio Stdio { get; init; }

    public required IReadOnlyList<Fd> CgroupFiles { get; init; }

    public required ReadOnlyMemory<byte> SeccompFilter { get; init; }

    public uint SeccompFlags { get; init; }
}

internal static unsafe partial class ContainerProgram
{
    /// <summary>The program of another process in a running container.</summary>
    public static ContainerChild BuildExec(ExecInput input)
    {
        var program = new ChildProgram();
        try
        {
            var process = input.Process;
            byte* self = program.Text("0");
            foreach (var file in input.CgroupFiles) program.Call("join the cgroup", SyscallNumber.Write, file.Number, self, 1);
            program.SetOomScore(process.OomScoreAdj);
            var namespaces = input.MayBeTraced ? input.Namespaces : input.Namespaces & ~CloneFlags.NewPid;
            program.Call("join the container's namespaces", SyscallNumber.Setns, input.Container.Number, (nint)namespaces);
            if (namespaces.HasFlag(CloneFlags.NewUser)) program.BecomeRootOfNamespace();
            program.ConnectStdio(input.Stdio, process.Terminal);
            if (input.MayBeTraced)
            {
                program.CloseAllBut(process.Terminal ? input.Stdio.ConsoleSocket : null);
                program.BeBornAgain(CloneFlags.None);
            }
            else
            {
                program.Call("setsid", SyscallNumber.Setsid);
            }
            program.Call("umask", SyscallNumber.Umask, 0);
            if (process.Terminal)
            {
                var pts = program.NewSlot();
                program.Call("open /dev/pts", SyscallNumber.Openat2, OpenFile.CurrentDirectory, program.Text("/dev/pts"), program.How(PathDirectory, ResolveNoSymlinks), sizeof(OpenHow)).Into(pts);
                program.ConnectTerminal(input.Stdio, process, pts);
            }
            program.BecomeUser(process, input.SeccompFilter, input.SeccompFlags);
            return new ContainerChild(program, process.Args[0], program.Execute(process));
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    /// <summary>Closes everything above the standard streams but one.</summary>
    private static void CloseAllBut(this ChildProgram program, Fd? kept)
    {
        const string step = "close the supervisor's descriptors";
        nint end = unchecked((nint)uint.MaxValue);
        if (kept is null)
        {
            program.Call(step, SyscallNumber.CloseRange, 3, end, 0);
            return;
        }
        if (kept.Number > 3) program.Call(step, SyscallNumber.CloseRange, 3, kept.Number - 1, 0);
        program.Call(step, SyscallNumber.CloseRange, kept.Number + 1, end, 0);
    }
}
