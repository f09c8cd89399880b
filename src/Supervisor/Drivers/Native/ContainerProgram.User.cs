using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

internal static unsafe partial class ContainerProgram
{
    private const int SetKeepCapabilities = 8, DropBounding = 24, SetNoNewPrivileges = 38, Ambient = 47, AmbientRaise = 2, AmbientClearAll = 4;

    /// <summary>Gives up, in this order, what later steps do not need: limits, the bounding set, root's ids, the other capabilities, system calls.</summary>
    /// <param name="kept">Number of descriptors from 3 on that stay open.</param>
    private static void BecomeUser(this ChildProgram program, ProcessSpec process, ReadOnlyMemory<byte> filter, uint filterFlags, int kept = 0)
    {
        SetLimits(program, process);
        program.NewSessionKeyring();

        // From here on nothing of the supervisor is open, so that no descriptor can lead out (CVE-2024-21626) and none is inherited.
        program.Call("close the supervisor's descriptors", SyscallNumber.CloseRange, 3 + kept, unchecked((nint)uint.MaxValue), 0);
        string cwd = process.Cwd.Length == 0 ? "/" : process.Cwd;
        string enter = $"chdir to cwd (\"{cwd}\") set in config.json failed";
        var second = program.NewSlot((nint)program.Text("."));
        var entered = program.NewLabel();
        program.Call(enter, SyscallNumber.Chdir, program.Text(cwd)).Tolerate(Errno.EACCES, Errno.EPERM).OnSuccess(entered);
        program.Copy(program.NewSlot((nint)program.Text(cwd)), second);   // root may not: perhaps the user may
        program.Mark(entered);

        program.ResetSignals();
        program.Call("set the umask", SyscallNumber.Umask, (nint)(process.User.Umask ?? 0x12));
        var capabilities = CapabilitySets.Of(process.Capabilities);
        for (int capability = 0; capability <= CapabilitySets.Last; capability++)
        {
            if ((capabilities.Bounding >> capability & 1) == 0)
                program.Call("drop a capability from the bounding set", SyscallNumber.Prctl, DropBounding, capability);
        }
        program.Call("keep capabilities", SyscallNumber.Prctl, SetKeepCapabilities, 1);
        uint[] groups = [.. process.User.AdditionalGids ?? []];
        program.Call("set the groups", SyscallNumber.Setgroups, groups.Length, program.Bytes(MemoryMarshal.AsBytes<uint>(groups)));
        program.Call("set the group", SyscallNumber.Setresgid, (nint)process.User.Gid, (nint)process.User.Gid, (nint)process.User.Gid);
        program.Call("set the user", SyscallNumber.Setresuid, (nint)process.User.Uid, (nint)process.User.Uid, (nint)process.User.Uid);
        program.Call(enter, SyscallNumber.Chdir, second);

        // Without no_new_privs the filter needs CAP_SYS_ADMIN: load it while that is there. With it, load it last, so that it sees fewest calls of ours.
        if (!process.NoNewPrivileges && !filter.IsEmpty)
        {
            // A change of user has emptied the effective set (capabilities(7)).
            ulong held = CapabilitySet.Held.Bits;
            program.SetCapabilities(new CapabilitySets(0, held, held, 0, 0));
            program.LoadSeccomp(filter, filterFlags);
        }
        program.Call("clear ambient capabilities", SyscallNumber.Prctl, Ambient, AmbientClearAll).Tolerate(Errno.EINVAL);
        program.SetCapabilities(capabilities);
        for (int capability = 0; capability <= CapabilitySets.Last; capability++)
        {
            if ((capabilities.Ambient >> capability & 1) != 0) program.Call("raise an ambient capability", SyscallNumber.Prctl, Ambient, AmbientRaise, capability);
        }
        if (!process.NoNewPrivileges) return;
        program.Call("set no_new_privs", SyscallNumber.Prctl, SetNoNewPrivileges, 1);
        program.LoadSeccomp(filter, filterFlags);
    }

    private static void SetLimits(ChildProgram program, ProcessSpec process)
    {
        foreach (var limit in process.Rlimits ?? [])
        {
            int number = ResourceLimits.Number(limit.Type) ?? throw new ArgumentException($"wrong rlimit value: {limit.Type}");
            var pair = program.Structure((limit.Soft, limit.Hard));
            program.Call($"error setting rlimit type {number}", SyscallNumber.Prlimit64, 0, number, (byte*)pair, 0);
        }
    }

    /// <summary>Kernel keys of the host must not be reachable from the container (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING).</summary>
    private static void NewSessionKeyring(this ChildProgram program)
    {
        const int joinSession = 1;
        program.Call("join a new session keyring", SyscallNumber.Keyctl, joinSession, program.Text("_ses.gantry")).TolerateAll();
    }

    /// <summary>What the supervisor ignores would stay ignored over exec; and the child began with all signals blocked.</summary>
    internal static void ResetSignals(this ChildProgram program)
    {
        const int set = 2;
        byte* byDefault = program.Bytes(new byte[32]);
        foreach (int signal in IgnoredSignals.All) program.Call("reset ignored signals", SyscallNumber.RtSigaction, signal, byDefault, 0, 8);
        program.Call("unblock signals", SyscallNumber.RtSigprocmask, set, program.Bytes(new byte[8]), 0, 8);
    }

    private static void LoadSeccomp(this ChildProgram program, ReadOnlyMemory<byte> filter, uint flags)
    {
        if (filter.IsEmpty) return;
        const int setModeFilter = 1, instructionSize = 8;
        byte* instructions = program.Bytes(filter.Span);
        var filterProgram = program.Structure(new FilterProgram { Length = (ushort)(filter.Length / instructionSize), Instructions = instructions });
        program.Call("load the seccomp filter", SyscallNumber.Seccomp, setModeFilter, (nint)flags, (byte*)filterProgram);
    }

    private static void SetCapabilities(this ChildProgram program, CapabilitySets sets)
    {
        const uint version3 = 0x20080522;
        byte* header = (byte*)program.Structure((version3, 0));
        uint[] data =
        [
            (uint)sets.Effective, (uint)sets.Permitted, (uint)sets.Inheritable,
            (uint)(sets.Effective >> 32), (uint)(sets.Permitted >> 32), (uint)(sets.Inheritable >> 32),
        ];
        program.Call("set the capabilities", SyscallNumber.Capset, header, program.Bytes(MemoryMarshal.AsBytes<uint>(data)));
    }

    /// <summary>Runs the command. A name without a slash is looked for in PATH: the first file that can be executed wins, as with execvp(3).</summary>
    /// <returns>One slot for each file that was tried.</returns>
    private static List<ChildProgram.Slot> Execute(this ChildProgram program, ProcessSpec process)
    {
        if (process.Args.Count == 0) throw new ArgumentException("the spec has no command");
        string command = process.Args[0];
        byte* arguments = program.Texts(process.Args), environment = program.Texts(process.Env);
        var tried = new List<ChildProgram.Slot>();
        if (command.Contains('/', StringComparison.Ordinal))
        {
            byte* file = program.Text(command);
            program.Call(CommandFailure.Step, SyscallNumber.Execve, file, arguments, environment).Tolerate(Errno.EACCES);
            // The kernel says the same of a directory and of a file that may not be executed; users are told which it was.
            var isFile = program.NewLabel();
            program.Call("look at the command", SyscallNumber.Openat, OpenFile.CurrentDirectory, file, OpenFile.Native(OpenFlags.PathOnly | OpenFlags.Directory | OpenFlags.CloseOnExec)).TolerateAll().OnError(isFile);
            program.Call(CommandFailure.DirectoryStep, SyscallNumber.Execve, file, arguments, environment);
            program.Mark(isFile);
            program.Call(CommandFailure.Step, SyscallNumber.Execve, file, arguments, environment);
            return tried;
        }
        foreach (string candidate in Candidates(process))
        {
            var result = program.NewSlot();
            program.Call(CommandFailure.Step, SyscallNumber.Execve, program.Text(candidate), arguments, environment).Tolerate(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES).Into(result);
            tried.Add(result);
        }
        program.Call(CommandFailure.SearchStep, SyscallNumber.Execve, program.Text(""), 0, 0);   // always ENOENT: nothing was found
        return tried;
    }

    /// <summary>Where a command without a slash may be, in the order of its PATH.</summary>
    private static IEnumerable<string> Candidates(ProcessSpec process)
    {
        string path = process.Env.LastOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? "";
        return path.Split(':').Select(directory => directory.Length == 0 ? "./" + process.Args[0] : $"{directory.TrimEnd('/')}/{process.Args[0]}");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public byte* Instructions;
    }
}
