using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Where a first process waits that is made in one step and started in another (OCI runtime specification, "Lifecycle").</summary>
/// <param name="Ready">Written to when the namespaces are there, where <paramref name="Go"/> is set, and when only the command is left to be run; ended by a failure.</param>
/// <param name="Go">Read from after the namespaces are there: hooks of the host run meanwhile. Null without hooks.</param>
/// <param name="Start">Read from before the command is run.</param>
/// <param name="Preserved">Number of descriptors from 3 on that the command inherits.</param>
internal sealed record ProgramGate(Fd Ready, Fd? Go, Fd Start, int Preserved)
{
    /// <summary>Descriptors that this process holds for the child begin here, out of the way of those that the command inherits.</summary>
    public const int Above = 1000;

    public const byte Namespaces = (byte)'n', Command = (byte)'c';
}

internal static unsafe partial class ContainerProgram
{
    private static void AnnounceNamespaces(this ChildProgram program, ProgramGate? gate)
    {
        if (gate?.Go is not { } go) return;
        program.Call("tell of the namespaces", SyscallNumber.Write, gate.Ready.Number, program.Bytes([ProgramGate.Namespaces]), 1);
        program.Call("wait for hooks", SyscallNumber.Read, go.Number, program.Bytes([0]), 1);
    }

    /// <summary>Puts the gate's descriptors right behind those that the command inherits, where they survive the closing of all others.</summary>
    /// <returns>How many descriptors from 3 on are to stay open.</returns>
    private static int KeepGate(this ChildProgram program, ProgramGate? gate)
    {
        if (gate is null) return 0;
        program.Call("keep the gate", SyscallNumber.Dup3, gate.Ready.Number, 3 + gate.Preserved, (int)OpenFlags.CloseOnExec);
        program.Call("keep the gate", SyscallNumber.Dup3, gate.Start.Number, 4 + gate.Preserved, (int)OpenFlags.CloseOnExec);
        return 2 + gate.Preserved;
    }

    /// <summary>Looks whether there is a command to be run, says so, and waits to be let through.</summary>
    private static List<ChildProgram.Slot> WaitAtGate(this ChildProgram program, ProgramGate? gate, ProcessSpec process)
    {
        if (gate is null) return [];
        var tried = program.LookForCommand(process);
        program.Call("tell that it is ready", SyscallNumber.Write, 3 + gate.Preserved, program.Bytes([ProgramGate.Command]), 1);
        program.Call("close the gate's one side", SyscallNumber.Close, 3 + gate.Preserved);
        program.Call("wait for the start", SyscallNumber.Read, 4 + gate.Preserved, program.Bytes([0]), 1);
        return tried;
    }

    private static List<ChildProgram.Slot> LookForCommand(this ChildProgram program, ProcessSpec process)
    {
        const int executable = 1;
        string command = process.Args[0];
        var tried = new List<ChildProgram.Slot>();
        var found = program.NewLabel();
        if (command.Contains('/', StringComparison.Ordinal))
        {
            byte* file = program.Text(command);
            program.Call("look at the command", SyscallNumber.Openat, OpenFile.CurrentDirectory, file, OpenFile.Native(OpenFlags.PathOnly | OpenFlags.Directory | OpenFlags.CloseOnExec)).TolerateAll().OnError(found);
            program.Call(CommandFailure.DirectoryStep, SyscallNumber.Execve, file, program.Texts([command]), program.Texts([]));
            program.Mark(found);
            program.Call(CommandFailure.Step, SyscallNumber.Faccessat, OpenFile.CurrentDirectory, file, executable);
            return tried;
        }
        foreach (string candidate in Candidates(process))
        {
            var result = program.NewSlot();
            program.Call(CommandFailure.Step, SyscallNumber.Faccessat, OpenFile.CurrentDirectory, program.Text(candidate), executable).Tolerate(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES).Into(result).OnSuccess(found);
            tried.Add(result);
        }
        program.Call(CommandFailure.SearchStep, SyscallNumber.Execve, program.Text(""), 0, 0);   // always ENOENT: nothing was found
        program.Mark(found);
        return tried;
    }
}
