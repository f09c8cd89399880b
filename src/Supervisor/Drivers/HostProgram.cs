using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers;

/// <summary>A program of the host that a driver runs, as a rule in a mount namespace of its own: what is attached there is seen by the program and by what it starts, and by nobody else.</summary>
internal sealed record HostProgram
{
    private const int DetachUnmount = 2, FromEmptyPath = 4, CloseOnExecOnly = 4, SetControlling = 0x540E;
    private const long RecursiveSlave = (1 << 14) | (1 << 19);

    /// <summary>The program's path, then its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Null opens /dev/null.</summary>
    public Fd? Stdin { get; init; }

    public Fd? Stdout { get; init; }

    public Fd? Stderr { get; init; }

    /// <summary>A terminal that becomes the program's own, in place of the three streams.</summary>
    public Fd? Terminal { get; init; }

    /// <summary>Detached mounts, and where the program is to find them.</summary>
    public IReadOnlyList<(Fd Source, string Target)> Mounts { get; init; } = [];

    /// <summary>Mount points that the program is not to see.</summary>
    public IReadOnlyList<string> Hidden { get; init; } = [];

    /// <summary>The program sees the mounts of this process, and keeps none of them alive.</summary>
    public bool SharesMounts { get; init; }

    /// <summary><c>cgroup.procs</c> files of groups to enter.</summary>
    public IReadOnlyList<Fd> CgroupFiles { get; init; } = [];

    /// <summary>The cgroup v2 directory to be born in.</summary>
    public Fd? CgroupDirectory { get; init; }

    /// <summary>Descriptors that the program finds under the numbers that they have here.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];

    /// <summary>Starts it.</summary>
    /// <exception cref="DriverException">It is not there, or something on the way to it failed.</exception>
    public PidFd Start()
    {
        using var nothing = OpenFile.Open("/dev/null", OpenFlags.ReadWrite);
        using var program = Build(nothing);
        try
        {
            return ChildProcess.Start(program, new ChildOptions { Namespaces = SharesMounts ? CloneFlags.None : CloneFlags.NewMount, Cgroup = CgroupDirectory });
        }
        catch (KernelException e)
        {
            throw new DriverException(new Failure { Message = e.Step == ExecStep ? $"{Command[0]}: {e.Errno.Describe()}" : e.Message, Step = e.Step, Errno = (int)e.Errno }, e);
        }
    }

    private const string ExecStep = "exec the program";

    private unsafe ChildProgram Build(Fd nothing)
    {
        var program = new ChildProgram();
        try
        {
            byte* none = program.Text("");
            foreach (var file in CgroupFiles) program.Call("join the cgroup", SyscallNumber.Write, file.Number, program.Text("0"), 1);
            program.Call("setsid", SyscallNumber.Setsid);
            if (!SharesMounts) program.Call("receive mounts from the host", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)RecursiveSlave, 0);
            foreach (string hidden in Hidden)
                program.Call($"take {hidden} away", SyscallNumber.Umount2, program.Text(hidden), DetachUnmount).Tolerate(Errno.EINVAL, Errno.ENOENT);
            foreach (var (source, target) in Mounts)
                program.Call($"attach {target}", SyscallNumber.MoveMount, source.Number, none, OpenFile.CurrentDirectory, program.Text(target), FromEmptyPath);
            if (Terminal is { } terminal) program.Call("take the terminal", SyscallNumber.Ioctl, terminal.Number, SetControlling, 0);
            Fd[] streams = [Terminal ?? Stdin ?? nothing, Terminal ?? Stdout ?? nothing, Terminal ?? Stderr ?? nothing];
            for (int i = 0; i < streams.Length; i++) program.Call("connect standard streams", SyscallNumber.Dup3, streams[i].Number, i, 0);
            program.Call("close the supervisor's descriptors", SyscallNumber.CloseRange, 3, unchecked((nint)uint.MaxValue), CloseOnExecOnly);
            foreach (var fd in Inherited) program.Call("keep a descriptor", SyscallNumber.Fcntl, fd.Number, 2 /* F_SETFD */, 0);
            program.Call("enter /", SyscallNumber.Chdir, program.Text("/"));
            program.Call("umask", SyscallNumber.Umask, 0x12);
            program.ResetSignals();
            program.Call(ExecStep, SyscallNumber.Execve, program.Text(Command[0]), program.Texts(Command), program.Texts(Variables()));
            return program;
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    private static List<string> Variables()
    {
        var variables = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            string name = (string)variable.Key;
            if (name is "PATH" or "HOME" or "LANG" or "TZ") variables.Add($"{name}={variable.Value}");
        }
        if (!variables.Exists(v => v.StartsWith("PATH=", StringComparison.Ordinal))) variables.Add("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        return variables;
    }
}
