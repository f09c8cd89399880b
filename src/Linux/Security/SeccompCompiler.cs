using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Security;

/// <summary>Turns an OCI seccomp profile into a filter program, through libseccomp. Programs are kept by their profile's content.</summary>
/// <remarks>
/// As OCI runtimes do: names that the library does not know are passed over, a rule whose action is the default one adds nothing, and calls newer than
/// everything the profile knows fail with ENOSYS and not with the default error, so that C libraries fall back (<see cref="NewSyscalls"/>).
/// </remarks>
public static unsafe class SeccompCompiler
{
    private const int ProgramsKept = 32;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<SeccompProfile, SeccompProgram> Programs = new(SeccompProfileComparer.Instance);
    private static readonly Dictionary<TextKey, SeccompProgram> Texts = [];

    private static readonly Dictionary<string, uint> FlagBits = new(StringComparer.Ordinal)
    {
        ["SECCOMP_FILTER_FLAG_TSYNC"] = 1, ["SECCOMP_FILTER_FLAG_LOG"] = 2, ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"] = 4,
    };

    private static readonly Dictionary<string, int> Operators = new(StringComparer.Ordinal)
    {
        ["SCMP_CMP_NE"] = 1, ["SCMP_CMP_LT"] = 2, ["SCMP_CMP_LE"] = 3, ["SCMP_CMP_EQ"] = 4, ["SCMP_CMP_GE"] = 5, ["SCMP_CMP_GT"] = 6, ["SCMP_CMP_MASKED_EQ"] = 7,
    };

    /// <summary>The program for a profile; milliseconds the first time, microseconds from then on.</summary>
    /// <exception cref="SeccompException">The profile has an unknown word or an impossible rule, or libseccomp is missing.</exception>
    public static SeccompProgram Compile(SeccompProfile profile)
    {
        lock (Gate)
        {
            if (Programs.TryGetValue(profile, out var known)) return known;
            try
            {
                var made = CompileNew(profile);
                if (Programs.Count >= ProgramsKept) Programs.Clear();
                Programs.Add(profile, made);
                return made;
            }
            catch (DllNotFoundException e)
            {
                throw new SeccompException("libseccomp.so.2 is missing: install the package libseccomp2, or run the container with seccomp=unconfined", e);
            }
        }
    }

    /// <summary>The same for the JSON text of an OCI <c>linux.seccomp</c> object. A text that was seen before is not read again.</summary>
    /// <exception cref="SeccompException">It is not the JSON of a profile, or as above.</exception>
    public static SeccompProgram Compile(ReadOnlySpan<byte> json)
    {
        var key = new TextKey(SHA256.HashData(json));
        lock (Gate)
            if (Texts.TryGetValue(key, out var known)) return known;
        SeccompProfile profile;
        try
        {
            profile = JsonSerializer.Deserialize(json, SeccompJson.Default.SeccompProfile) ?? throw new SeccompException("the seccomp profile is the JSON value null");
        }
        catch (JsonException e)
        {
            throw new SeccompException("the seccomp profile is not valid: " + e.Message, e);
        }
        var program = Compile(profile);
        lock (Gate)
        {
            if (Texts.Count >= ProgramsKept) Texts.Clear();
            Texts[key] = program;
        }
        return program;
    }

    /// <summary>A SHA-256 digest, to look up by.</summary>
    private readonly record struct TextKey(UInt128 High, UInt128 Low)
    {
        public TextKey(ReadOnlySpan<byte> digest) : this(BinaryPrimitives.ReadUInt128BigEndian(digest), BinaryPrimitives.ReadUInt128BigEndian(digest[16..])) { }
    }

    private static SeccompProgram CompileNew(SeccompProfile profile)
    {
        if (profile.ListenerPath is { Length: > 0 }) throw new SeccompException("a seccomp listener (listenerPath) is not supported");
        uint defaultAction = Action(profile.DefaultAction, profile.DefaultErrnoRet);
        uint flags = Flags(profile.Flags);
        nint filter = LibSeccomp.Init(defaultAction);
        if (filter == 0) throw new SeccompException($"libseccomp refuses the default action {profile.DefaultAction}");
        try
        {
            // The child program sets no_new_privs by itself where it is wanted; a program of an architecture that is not listed is ended as a whole.
            Check(LibSeccomp.SetAttribute(filter, LibSeccomp.AttributeNoNewPrivileges, 0), "seccomp_attr_set NNP");
            Check(LibSeccomp.SetAttribute(filter, LibSeccomp.AttributeBadArchitecture, LibSeccomp.ActionKillProcess), "seccomp_attr_set BADARCH");
            LibSeccomp.SetAttribute(filter, LibSeccomp.AttributeOptimize, 2);   // a binary tree: since 2.5; older libraries make a list
            uint[] architectures = AddArchitectures(filter, profile.Architectures);
            foreach (var rule in profile.Syscalls ?? []) AddRule(filter, rule, defaultAction);
            return new SeccompProgram(NewSyscalls.Prepend(Export(filter), profile, architectures, defaultAction), flags);
        }
        finally
        {
            LibSeccomp.Release(filter);
        }
    }

    private static uint[] AddArchitectures(nint filter, IReadOnlyList<string>? names)
    {
        uint native = LibSeccomp.NativeArchitecture();
        if (names is not { Count: > 0 }) return [native];
        var wanted = new List<uint>();
        foreach (string name in names)
        {
            uint architecture = 0;
            if (name.StartsWith("SCMP_ARCH_", StringComparison.Ordinal))
                fixed (byte* p = Encoding.UTF8.GetBytes(name["SCMP_ARCH_".Length..].ToLowerInvariant() + "\0")) architecture = LibSeccomp.ResolveArchitecture(p);
            if (architecture == 0) throw new SeccompException($"unknown architecture \"{name}\" in the seccomp profile");
            int result = LibSeccomp.AddArchitecture(filter, architecture);
            if (result != 0 && result != -(int)Errno.EEXIST) throw new SeccompException($"libseccomp cannot filter for {name}: {((Errno)(-result)).Describe()}");
            if (!wanted.Contains(architecture)) wanted.Add(architecture);
        }
        if (!wanted.Contains(native)) Check(LibSeccomp.RemoveArchitecture(filter, native), "seccomp_arch_remove");
        return [.. wanted];
    }

    private static void AddRule(nint filter, SeccompRule rule, uint defaultAction)
    {
        uint action = Action(rule.Action, rule.ErrnoRet);
        if (action == defaultAction) return;
        var arguments = Arguments(rule);
        // Conditions on different arguments must all hold; of several on the same argument one must, and libseccomp wants a rule for each of those.
        bool repeated = arguments.Select(a => a.Argument).Distinct().Count() != arguments.Length;
        foreach (string name in rule.Names)
        {
            int syscall;
            fixed (byte* p = Encoding.UTF8.GetBytes(name + "\0")) syscall = LibSeccomp.ResolveSyscall(p);
            if (syscall == LibSeccomp.UnknownSyscall) continue;
            if (!repeated) AddRule(filter, action, syscall, name, arguments);
            else
                foreach (var one in arguments) AddRule(filter, action, syscall, name, [one]);
        }
    }

    private static void AddRule(nint filter, uint action, int syscall, string name, LibSeccomp.ArgumentComparison[] arguments)
    {
        int result;
        fixed (LibSeccomp.ArgumentComparison* p = arguments) result = LibSeccomp.AddRule(filter, action, syscall, (uint)arguments.Length, p);
        if (result == 0) return;
        throw new SeccompException($"libseccomp refuses the rule for {name}: {((Errno)(-result)).Describe()}");
    }

    private static LibSeccomp.ArgumentComparison[] Arguments(SeccompRule rule)
    {
        var arguments = new LibSeccomp.ArgumentComparison[rule.Args?.Count ?? 0];
        for (int i = 0; i < arguments.Length; i++)
        {
            var argument = rule.Args![i];
            if (!Operators.TryGetValue(argument.Op, out int comparison)) throw new SeccompException($"unknown comparison \"{argument.Op}\" in the seccomp profile");
            if (argument.Index > 5) throw new SeccompException($"a system call has no argument {argument.Index}: the seccomp profile counts from 0 to 5");
            arguments[i] = new LibSeccomp.ArgumentComparison { Argument = argument.Index, Operator = comparison, DatumA = argument.Value, DatumB = argument.ValueTwo };
        }
        return arguments;
    }

    private static uint Action(string name, uint? errno) => name switch
    {
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => LibSeccomp.ActionKillThread,
        "SCMP_ACT_KILL_PROCESS" => LibSeccomp.ActionKillProcess,
        "SCMP_ACT_TRAP" => LibSeccomp.ActionTrap,
        "SCMP_ACT_ERRNO" => LibSeccomp.ActionErrno | (errno ?? (uint)Errno.EPERM) & 0xFFFF,
        "SCMP_ACT_TRACE" => LibSeccomp.ActionTrace | (errno ?? (uint)Errno.EPERM) & 0xFFFF,
        "SCMP_ACT_LOG" => LibSeccomp.ActionLog,
        "SCMP_ACT_ALLOW" => LibSeccomp.ActionAllow,
        "SCMP_ACT_NOTIFY" => throw new SeccompException("the action SCMP_ACT_NOTIFY hands calls to an agent, which is not supported"),
        _ => throw new SeccompException($"string {name} is not a valid action for seccomp"),
    };

    private static uint Flags(IReadOnlyList<string>? names)
    {
        // Without a word on it, the mitigation that slows every filtered process down stays off, as in other runtimes.
        if (names is null) return FlagBits["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
        uint flags = 0;
        foreach (string name in names) flags |= FlagBits.TryGetValue(name, out uint bit) ? bit : throw new SeccompException($"unknown flag \"{name}\" in the seccomp profile");
        return flags;
    }

    private static FilterInstruction[] Export(nint filter)
    {
        using var memory = CreateMemoryFile();
        Check(LibSeccomp.ExportBpf(filter, memory.Number), "seccomp_export_bpf");
        nint size = Syscall.Check(Syscall.Call(SyscallNumber.Lseek, memory.Number, 0, 2), "lseek");
        var program = new FilterInstruction[size / sizeof(FilterInstruction)];
        fixed (FilterInstruction* p = program)
            Syscall.Check(Syscall.CallRestarting(SyscallNumber.Pread64, memory.Number, (nint)p, size, 0), "read the filter");
        return program;
    }

    private static Fd CreateMemoryFile()
    {
        const int CloseOnExec = 1;
        fixed (byte* name = "seccomp\0"u8) return new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.MemfdCreate, (nint)name, CloseOnExec), "memfd_create"));
    }

    private static void Check(int result, string step)
    {
        if (result < 0) throw new SeccompException($"{step}: {((Errno)(-result)).Describe()}");
    }
}
