using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;
using Gantry.Linux.Sockets;
using Gantry.Supervisor;

namespace Gantry.Daemon.Execution;

/// <summary>Starts supervisors: this same executable in another role, in a session and mount namespace of its own, to outlive the daemon.</summary>
internal static class SupervisorProcess
{
    /// <summary>The descriptor under which the new process finds its listening socket.</summary>
    private const int SocketNumber = 3;

    /// <summary>Binds the socket and starts the process. It can be connected to at once: the kernel queues what comes before the process listens.</summary>
    /// <param name="runRoot">The engine's <c>--exec-root</c>.</param>
    /// <returns>The child; waiting for it reaps it.</returns>
    public static PidFd Start(string socketPath, string runRoot)
    {
        File.Delete(socketPath);
        using var listener = UnixListener.Bind(socketPath, backlog: 16);
        using var log = OpenFile.Open(Path.Combine(runRoot, "supervisor.log"), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, 0x180);
        using var nothing = OpenFile.ReadOnly("/dev/null");
        using var program = Build(listener, log, nothing, runRoot);
        return ChildProcess.Start(program, new ChildOptions());
    }

    private static unsafe ChildProgram Build(Fd listener, Fd log, Fd nothing, string runRoot)
    {
        const long recursiveSlave = (1 << 14) | (1 << 19);
        const int cloneTree = 1, recursiveTree = 0x8000, emptyPath = 0x1000, fromEmptyPath = 4, setMask = 2;
        string home = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string executable = Path.Combine(home, "gantryd");
        var program = new ChildProgram();
        program.Call("setsid", SyscallNumber.Setsid);
        program.Call("unshare the mount namespace", SyscallNumber.Unshare, (nint)CloneFlags.NewMount);
        program.Call("receive mounts from the host", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)recursiveSlave, 0);

        // Containers see this executable for an instant as /proc/self/exe: on a read-only mount nobody can write to it (CVE-2019-5736).
        var tree = program.NewSlot();
        program.Call("bind the program's directory", SyscallNumber.OpenTree, OpenFile.CurrentDirectory, program.Text(home), cloneTree | recursiveTree | (int)OpenFlags.CloseOnExec).Into(tree);
        var readOnly = program.Structure(new DetachedMount.MountAttr { Set = (ulong)MountAttributes.ReadOnly });
        program.Call("make the program's directory read-only", SyscallNumber.MountSetattr, tree, program.Text(""), emptyPath | recursiveTree, (byte*)readOnly, sizeof(DetachedMount.MountAttr));
        program.Call("cover the program's directory", SyscallNumber.MoveMount, tree, program.Text(""), OpenFile.CurrentDirectory, program.Text(home), fromEmptyPath);

        program.Call("open /dev/null", SyscallNumber.Dup3, nothing.Number, 0, 0);
        program.Call("open the log", SyscallNumber.Dup3, log.Number, 1, 0);
        program.Call("open the log", SyscallNumber.Dup3, log.Number, 2, 0);
        // dup3 refuses equal numbers; a socket that already has the number loses its close-on-exec flag instead.
        if (listener.Number == SocketNumber) program.Call("keep the socket", SyscallNumber.Fcntl, SocketNumber, 2 /* F_SETFD */, 0);
        else program.Call("keep the socket", SyscallNumber.Dup3, listener.Number, SocketNumber, 0);
        program.Call("close other descriptors", SyscallNumber.CloseRange, SocketNumber + 1, unchecked((nint)uint.MaxValue), 0);
        program.Call("enter /", SyscallNumber.Chdir, program.Text("/"));
        program.Call("unblock signals", SyscallNumber.RtSigprocmask, setMask, program.Bytes(new byte[8]), 0, 8);
        program.Call("exec the supervisor", SyscallNumber.Execve, program.Text(executable), program.Texts([SupervisorRole.Name, "--socket-fd", "3", "--run-root", runRoot]), program.Texts(Variables()));
        return program;
    }

    private static List<string> Variables()
    {
        var variables = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            string name = (string)variable.Key;
            if (name is "PATH" or "HOME" or "DOTNET_ROOT" or "LANG" or "TZ") variables.Add($"{name}={variable.Value}");
        }
        return variables;
    }
}
