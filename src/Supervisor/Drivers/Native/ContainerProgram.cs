using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>What the program needs beside the spec: descriptors that are open in the supervisor, and so in its child under the same numbers.</summary>
internal sealed record ProgramInput
{
    public required RuntimeSpec Spec { get; init; }

    /// <summary>The root file system's detached mount.</summary>
    public required Fd Root { get; init; }

    /// <summary>An empty directory of the host on which the child puts the root before it moves in.</summary>
    public required string StagingDirectory { get; init; }

    public required ProgramStdio Stdio { get; init; }

    /// <summary>Detached mounts for the spec's bind mounts, by their index.</summary>
    public required IReadOnlyDictionary<int, Fd> BindSources { get; init; }

    /// <summary>Namespaces to join, by the spec's type names.</summary>
    public required IReadOnlyDictionary<string, Fd> Joins { get; init; }

    /// <summary><c>cgroup.procs</c> files of cgroup v1 groups to enter; with v2 the child is born inside.</summary>
    public required IReadOnlyList<Fd> CgroupFiles { get; init; }

    /// <summary>The hierarchies to show below <c>/sys/fs/cgroup</c>.</summary>
    public required IReadOnlyList<CgroupView> CgroupViews { get; init; }

    public required bool CgroupUnified { get; init; }

    /// <summary>The container has a user namespace, which is one of <see cref="Joins"/>: namespaces that it makes are to belong to that.</summary>
    public bool InUserNamespace => Joins.ContainsKey("user");

    /// <summary>The compiled seccomp filter: <c>struct sock_filter</c>s.</summary>
    public required ReadOnlyMemory<byte> SeccompFilter { get; init; }

    public uint SeccompFlags { get; init; }

    /// <summary>Where the process waits before it runs its command; null runs it at once.</summary>
    public ProgramGate? Gate { get; init; }
}

/// <param name="Name">Directory name below <c>/sys/fs/cgroup</c>: <c>cpu,cpuacct</c>.</param>
/// <param name="HostPath">The container's own group on the host.</param>
/// <param name="Aliases">Names of single controllers that differ from <paramref name="Name"/>.</param>
internal sealed record CgroupView(string Name, string HostPath, IReadOnlyList<string> Aliases);

/// <summary>Standard streams of the new process: either three descriptors, or a terminal whose master comes back over a socket.</summary>
internal sealed record ProgramStdio(Fd? Stdin, Fd? Stdout, Fd? Stderr, Fd? ConsoleSocket)
{
    /// <summary>Stdin is the container's own <c>/dev/null</c>, and the given one where it has none.</summary>
    public bool NoInput { get; init; }
}

/// <summary>A program ready to be started, and what its failure to find the command would mean.</summary>
internal sealed record ContainerChild(ChildProgram Program, string Command, IReadOnlyList<ChildProgram.Slot> Tried) : IDisposable
{
    /// <summary>A file with the command's name was there, but could not be executed.</summary>
    public bool CommandDenied => Tried.Any(slot => slot.Value == -(int)Errno.EACCES);

    public void Dispose() => Program.Dispose();
}

/// <summary>Translates a runtime spec into the child program that becomes the container's first process. Pure: every effect is a step of the program.</summary>
/// <remarks>
/// The order follows from what each step needs: privileges and the host's file system first, then the new root, then what takes privileges away.
/// Paths inside the container are only ever resolved by openat2 with RESOLVE_IN_ROOT and used by descriptor, so nothing in an image or in a shared
/// volume can lead a mount outside (CVE-2021-30465, CVE-2025-31133, CVE-2025-52565).
/// </remarks>
internal static partial class ContainerProgram
{
    public static ContainerChild Build(ProgramInput input)
    {
        var program = new ChildProgram();
        try
        {
            var spec = input.Spec;
            var process = spec.Process ?? throw new ArgumentException("the spec has no process");
            if (input.InUserNamespace)
            {
                program.SetOomScore(process.OomScoreAdj);
                program.JoinNamespaces(input.Joins);
                program.BeBornAgain(NewNamespaces(spec, input.Joins) | CloneFlags.SharedMemory);
                program.EnterCgroups(input);
            }
            else
            {
                program.EnterCgroups(input);
                program.JoinNamespaces(input.Joins);
                program.Call("setsid", SyscallNumber.Setsid);
                program.SetOomScore(process.OomScoreAdj);
            }
            program.Call("umask", SyscallNumber.Umask, 0);
            program.AnnounceNamespaces(input.Gate);
            program.PlaceRoot(input);
            var proc = program.AddMounts(input);
            program.NameHost(spec, input.Joins);
            program.WriteSysctls(spec, proc);
            program.AddDevices(input);
            if (process.Terminal) program.OpenTerminal(input, process);
            program.HidePaths(input);
            program.MakeWorkingDirectory(input.Root, process.Cwd);
            program.SealRoot(input);
            program.MoveIntoRoot(input);
            program.ConnectStdio(input.Stdio, process.Terminal);
            program.BecomeUser(process, input.SeccompFilter, input.SeccompFlags, program.KeepGate(input.Gate));
            var looked = program.WaitAtGate(input.Gate, process);
            return new ContainerChild(program, process.Args[0], [.. looked, .. program.Execute(process)]);
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    /// <summary>Other hierarchies before memory: the out-of-memory killer leaves a task alone whose parent waits in vfork, so it joins that one as late as it can.</summary>
    private static void EnterCgroups(this ChildProgram program, ProgramInput input)
    {
        unsafe
        {
            byte* self = program.Text("0");
            foreach (var file in input.CgroupFiles) program.Call("join the cgroup", SyscallNumber.Write, file.Number, self, 1);
        }
        if (input.Spec.Linux.Namespaces.Any(n => n.Type == "cgroup") && !input.Joins.ContainsKey("cgroup"))
            program.Call("unshare the cgroup namespace", SyscallNumber.Unshare, (nint)CloneFlags.NewCgroup);
    }

    /// <summary>The user namespace comes first: it grants the right to enter those that it owns.</summary>
    private static void JoinNamespaces(this ChildProgram program, IReadOnlyDictionary<string, Fd> joins)
    {
        bool owned = joins.ContainsKey("user");
        foreach (var (type, flag) in Namespaces)
        {
            if ((type == "pid" && !owned) || !joins.TryGetValue(type, out var fd)) continue;
            program.Call($"join the {type} namespace", SyscallNumber.Setns, fd.Number, (nint)flag);
            if (type == "user") program.BecomeRootOfNamespace();
        }
    }

    /// <summary>Whoever enters a user namespace has every right there, but still the ids of the host, which nothing there belongs to.</summary>
    private static void BecomeRootOfNamespace(this ChildProgram program)
    {
        program.Call("set the groups", SyscallNumber.Setgroups, 0, 0);
        program.Call("become the user namespace's root", SyscallNumber.Setresgid, 0, 0, 0);
        program.Call("become the user namespace's root", SyscallNumber.Setresuid, 0, 0, 0);
    }

    internal static readonly (string Type, CloneFlags Flag)[] Namespaces =
    [
        ("user", CloneFlags.NewUser), ("pid", CloneFlags.NewPid), ("network", CloneFlags.NewNet), ("ipc", CloneFlags.NewIpc),
        ("uts", CloneFlags.NewUts), ("cgroup", CloneFlags.NewCgroup), ("mount", CloneFlags.NewMount), ("time", CloneFlags.NewTime),
    ];

    /// <summary>Namespaces that clone3 makes; cgroup is unshared later, once the child is in its groups.</summary>
    public static CloneFlags NewNamespaces(RuntimeSpec spec, IReadOnlyDictionary<string, Fd> joins)
    {
        var flags = CloneFlags.None;
        foreach (var (type, flag) in Namespaces)
        {
            if (type != "cgroup" && !joins.ContainsKey(type) && spec.Linux.Namespaces.Any(n => n.Type == type)) flags |= flag;
        }
        return flags;
    }

    private static unsafe void SetOomScore(this ChildProgram program, int? score)
    {
        if (score is not { } value) return;
        string text = value.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var file = program.NewSlot();
        program.Call("open oom_score_adj", SyscallNumber.Openat, OpenFile.CurrentDirectory, program.Text("/proc/self/oom_score_adj"), (int)(OpenFlags.WriteOnly | OpenFlags.CloseOnExec)).Into(file);
        program.Call($"set oom_score_adj to {text}", SyscallNumber.Write, file, program.Text(text), text.Length);
    }

    private static unsafe void NameHost(this ChildProgram program, RuntimeSpec spec, IReadOnlyDictionary<string, Fd> joins)
    {
        if (joins.ContainsKey("uts") || !spec.Linux.Namespaces.Any(n => n.Type == "uts")) return;
        if (!string.IsNullOrEmpty(spec.Hostname))
            program.Call("set the host name", SyscallNumber.Sethostname, program.Text(spec.Hostname), System.Text.Encoding.UTF8.GetByteCount(spec.Hostname));
        if (!string.IsNullOrEmpty(spec.Domainname))
            program.Call("set the domain name", SyscallNumber.Setdomainname, program.Text(spec.Domainname), System.Text.Encoding.UTF8.GetByteCount(spec.Domainname));
    }

    private static unsafe void ConnectStdio(this ChildProgram program, ProgramStdio stdio, bool terminal)
    {
        if (terminal) return;   // OpenTerminal has done it
        Fd?[] streams = [stdio.Stdin, stdio.Stdout, stdio.Stderr];
        for (int i = 0; i < streams.Length; i++)
        {
            if (streams[i] is { } stream) program.Call("connect standard streams", SyscallNumber.Dup3, stream.Number, i, 0);
        }
        if (!stdio.NoInput) return;
        var own = program.NewSlot();
        var without = program.NewLabel();
        program.Call("open /dev/null", SyscallNumber.Openat, OpenFile.CurrentDirectory, program.Text("/dev/null"), (int)(OpenFlags.ReadOnly | OpenFlags.CloseOnExec | OpenFlags.NonBlocking)).Into(own).TolerateAll().OnError(without);
        program.Call("connect standard input", SyscallNumber.Dup3, own, 0, 0);
        program.Mark(without);
    }
}
