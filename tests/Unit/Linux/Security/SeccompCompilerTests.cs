using Gantry.Linux.Kernel;
using Gantry.Linux.Security;
using static Gantry.Unit.Linux.Security.FilterMachine;

namespace Gantry.Unit.Linux.Security;

/// <summary>x86-64 only: the numbers of calls are those of that machine.</summary>
public class SeccompCompilerTests
{
    private static readonly CapabilitySet Ordinary = CapabilitySet.Parse(["CHOWN", "SYS_CHROOT", "NET_RAW"]);

    private static SeccompProgram Default(CapabilitySet capabilities) => SeccompCompiler.Compile(DockerSeccompProfile.Default.Resolve(SeccompConditions.Here(capabilities)));

    private static SeccompProfile Profile(string @default, params SeccompRule[] rules) => new() { DefaultAction = @default, Syscalls = rules };

    private static SeccompRule Rule(string action, string name, params SeccompArgument[] arguments) => new() { Names = [name], Action = action, Args = arguments };

    public static TheoryData<string, uint, uint, ulong[], uint> Decisions => new()
    {
        { "read", X86_64, 0, [], Allow },
        { "execve", X86_64, 59, [], Allow },
        { "chroot, whose capability is held", X86_64, 161, [], Allow },
        { "mount", X86_64, 165, [], Eperm },
        { "unshare", X86_64, 272, [], Eperm },
        { "keyctl", X86_64, 250, [], Eperm },
        { "io_uring_setup", X86_64, 425, [], Eperm },
        { "bpf", X86_64, 321, [], Eperm },
        { "reboot", X86_64, 169, [], Eperm },
        { "clone of a thread", X86_64, 56, [0x3D0F00], Allow },
        { "clone with a new user namespace", X86_64, 56, [0x10000000], Eperm },
        { "clone with a new mount namespace and a signal", X86_64, 56, [0x20011], Eperm },
        { "clone3", X86_64, 435, [], Enosys },
        { "socket AF_INET", X86_64, 41, [2], Allow },
        { "socket AF_VSOCK", X86_64, 41, [40], Eperm },
        { "personality 0", X86_64, 135, [0], Allow },
        { "personality query", X86_64, 135, [0xFFFFFFFF], Allow },
        { "personality ADDR_NO_RANDOMIZE", X86_64, 135, [0x40000], Eperm },
        { "mseal, which old libraries do not know", X86_64, 462, [], Allow },
        { "fchmodat2", X86_64, 452, [], Allow },
        { "uretprobe", X86_64, 335, [], Allow },
        { "a call of the future", X86_64, 500, [], Enosys },
        { "a call of the future far off", X86_64, 0x3FFFFFFF, [], Enosys },
        { "read by i386", I386, 3, [], Allow },
        { "mount by i386", I386, 21, [], Eperm },
        { "mseal by i386", I386, 462, [], Allow },
        { "a call of the future by i386", I386, 500, [], Enosys },
        { "read by x32", X86_64, X32Bit | 0, [], Allow },
        { "mount by x32", X86_64, X32Bit | 165, [], Eperm },
        { "a call of the future by x32", X86_64, X32Bit | 600, [], Enosys },
        { "a machine that this is not", Arm64, 63, [], KillProcess },
    };

    [Theory]
    [MemberData(nameof(Decisions))]
    public void The_default_profile_decides(string call, uint architecture, uint number, ulong[] arguments, uint action)
    {
        Assert.Equal((call, action), (call, Run(Default(Ordinary), architecture, number, arguments)));
    }

    [Theory]
    [InlineData(165)]
    [InlineData(272)]
    [InlineData(435)]
    [InlineData(308)]
    public void With_SYS_ADMIN_mounts_and_namespaces_are_allowed(uint number) =>
        Assert.Equal(Allow, Run(Default(CapabilitySet.Of(Capability.SysAdmin)), X86_64, number, 0x10000000));

    [Theory]
    [InlineData("SCMP_CMP_EQ", 7, 0, 7, true)]
    [InlineData("SCMP_CMP_EQ", 7, 0, 8, false)]
    [InlineData("SCMP_CMP_NE", 7, 0, 8, true)]
    [InlineData("SCMP_CMP_NE", 7, 0, 7, false)]
    [InlineData("SCMP_CMP_LT", 7, 0, 6, true)]
    [InlineData("SCMP_CMP_LT", 7, 0, 7, false)]
    [InlineData("SCMP_CMP_LE", 7, 0, 7, true)]
    [InlineData("SCMP_CMP_LE", 7, 0, 8, false)]
    [InlineData("SCMP_CMP_GE", 7, 0, 7, true)]
    [InlineData("SCMP_CMP_GE", 7, 0, 6, false)]
    [InlineData("SCMP_CMP_GT", 7, 0, 8, true)]
    [InlineData("SCMP_CMP_GT", 7, 0, 7, false)]
    [InlineData("SCMP_CMP_MASKED_EQ", 0xF0, 0x20, 0x2F, true)]
    [InlineData("SCMP_CMP_MASKED_EQ", 0xF0, 0x20, 0x3F, false)]
    [InlineData("SCMP_CMP_EQ", 0x1_0000_0001, 0, 1, false)]
    public void An_argument_is_compared_in_all_its_64_bits(string op, ulong value, ulong second, ulong argument, bool fits)
    {
        var program = SeccompCompiler.Compile(Profile("SCMP_ACT_ERRNO", Rule("SCMP_ACT_ALLOW", "read", new SeccompArgument(2, value, second, op))));

        Assert.Equal(fits ? Allow : Eperm, Run(program, X86_64, 0, 0, 0, argument));
    }

    [Fact]
    public void Conditions_on_different_arguments_must_all_hold()
    {
        var program = SeccompCompiler.Compile(Profile("SCMP_ACT_ERRNO", Rule("SCMP_ACT_ALLOW", "read", new SeccompArgument(0, 1, 0, "SCMP_CMP_EQ"), new SeccompArgument(1, 2, 0, "SCMP_CMP_EQ"))));

        Assert.Equal((Allow, Eperm), (Run(program, X86_64, 0, 1, 2), Run(program, X86_64, 0, 1, 3)));
    }

    [Fact]
    public void Of_several_conditions_on_one_argument_one_must_hold()
    {
        var program = SeccompCompiler.Compile(Profile("SCMP_ACT_ERRNO", Rule("SCMP_ACT_ALLOW", "read", new SeccompArgument(0, 1, 0, "SCMP_CMP_EQ"), new SeccompArgument(0, 5, 0, "SCMP_CMP_EQ"))));

        Assert.Equal((Allow, Allow, Eperm), (Run(program, X86_64, 0, 1), Run(program, X86_64, 0, 5), Run(program, X86_64, 0, 2)));
    }

    [Theory]
    [InlineData("SCMP_ACT_KILL", KillThread)]
    [InlineData("SCMP_ACT_KILL_THREAD", KillThread)]
    [InlineData("SCMP_ACT_KILL_PROCESS", KillProcess)]
    [InlineData("SCMP_ACT_TRAP", Trap)]
    [InlineData("SCMP_ACT_ERRNO", Eperm)]
    [InlineData("SCMP_ACT_TRACE", 0x7FF00001)]
    [InlineData("SCMP_ACT_LOG", Log)]
    public void An_action_is_carried_out(string action, uint result) =>
        Assert.Equal((result, Allow), (Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule(action, "mkdir"))), X86_64, 83), Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule(action, "mkdir"))), X86_64, 0)));

    [Fact]
    public void A_rules_own_error_number_is_returned() =>
        Assert.Equal(0x00050000u | 13, Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_ERRNO", "mkdir") with { ErrnoRet = 13 })), X86_64, 83));

    [Fact]
    public void A_filter_that_allows_by_default_allows_the_future_too() =>
        Assert.Equal(Allow, Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_ERRNO", "mkdir"))), X86_64, 999));

    [Fact]
    public void A_name_that_nobody_knows_is_passed_over() =>
        Assert.Equal(Allow, Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ERRNO", Rule("SCMP_ACT_ALLOW", "no_such_call"), Rule("SCMP_ACT_ALLOW", "read"))), X86_64, 0));

    [Fact]
    public void A_rule_that_repeats_the_default_changes_nothing() =>
        Assert.Equal(Eperm, Run(SeccompCompiler.Compile(Profile("SCMP_ACT_ERRNO", Rule("SCMP_ACT_ERRNO", "read"), Rule("SCMP_ACT_ALLOW", "write"))), X86_64, 0));

    [Fact]
    public void Only_the_listed_architectures_may_run()
    {
        var program = SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_ERRNO", "mkdir")) with { Architectures = ["SCMP_ARCH_X86"] });

        Assert.Equal((Allow, KillProcess), (Run(program, I386, 3), Run(program, X86_64, 0)));
    }

    public static TheoryData<string, SeccompProfile> Refused => new()
    {
        { "SCMP_ACT_NOTIFY", Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_NOTIFY", "mkdir")) },
        { "listener", Profile("SCMP_ACT_ALLOW") with { ListenerPath = "/run/agent" } },
        { "string NO is not a valid action", Profile("NO") },
        { "unknown comparison \"SCMP_CMP_XX\"", Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_ERRNO", "mkdir", new SeccompArgument(0, 0, 0, "SCMP_CMP_XX"))) },
        { "argument 6", Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_ERRNO", "mkdir", new SeccompArgument(6, 0, 0, "SCMP_CMP_EQ"))) },
        { "unknown architecture \"SCMP_ARCH_Z80\"", Profile("SCMP_ACT_ALLOW") with { Architectures = ["SCMP_ARCH_Z80"] } },
        { "unknown flag \"X\"", Profile("SCMP_ACT_ALLOW") with { Flags = ["X"] } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_cannot_be_compiled_is_refused_by_name(string what, SeccompProfile profile) =>
        Assert.Contains(what, Assert.Throws<SeccompException>(() => SeccompCompiler.Compile(profile)).Message, StringComparison.Ordinal);

    [Fact]
    public void Flags_are_as_asked_for_and_without_a_word_leave_speculation_alone()
    {
        Assert.Equal(4u, SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW")).Flags);
        Assert.Equal(0u, SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW") with { Flags = [] }).Flags);
        Assert.Equal(2u, SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW") with { Flags = ["SECCOMP_FILTER_FLAG_LOG"] }).Flags);
    }

    [Fact]
    public void Equal_profiles_share_one_program() =>
        Assert.Same(SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_TRAP", "rmdir"))), SeccompCompiler.Compile(Profile("SCMP_ACT_ALLOW", Rule("SCMP_ACT_TRAP", "rmdir"))));

    [Fact]
    public void The_JSON_of_the_runtime_spec_compiles_to_the_same_program()
    {
        var json = """{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["symlink"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": [{"index": 1, "value": 9, "op": "SCMP_CMP_EQ"}]}]}"""u8;

        var program = SeccompCompiler.Compile(json);

        Assert.Equal((0x00050005u, Allow), (Run(program, X86_64, 88, 0, 9), Run(program, X86_64, 88, 0, 8)));
        Assert.Same(program, SeccompCompiler.Compile(json));
    }

    [Fact]
    public void Text_that_is_not_JSON_is_refused() => Assert.Throws<SeccompException>(() => SeccompCompiler.Compile("nope"u8));

    [Fact]
    public void Profiles_that_differ_in_the_middle_of_a_list_do_not_share_a_program()
    {
        static SeccompProfile Middle(string name) => Profile("SCMP_ACT_ERRNO", new SeccompRule { Names = ["read", name, "write"], Action = "SCMP_ACT_ALLOW" });

        Assert.Equal((Allow, Eperm), (Run(SeccompCompiler.Compile(Middle("mkdir")), X86_64, 83), Run(SeccompCompiler.Compile(Middle("rmdir")), X86_64, 83)));
    }

    [Fact]
    public void The_kernel_takes_the_default_filter_and_obeys_it()
    {
        var program = Default(Ordinary);
        nint personality = 0, unshare = 0, future = 0, clone3 = 0, loaded = -1;
        // A filter belongs to the thread that loads it, and ends with it.
        var thread = new Thread(() =>
        {
            loaded = Load(program);
            if (loaded != 0) return;
            personality = Syscall.Call(SyscallNumber.Personality, unchecked((nint)0xFFFFFFFF));
            unshare = Syscall.Call(SyscallNumber.Unshare, 0x04000000);
            clone3 = Syscall.Call(SyscallNumber.Clone3, 0, 0);
            future = Syscall.Call(500);
        });
        thread.Start();
        thread.Join();

        Assert.Equal(0, loaded);
        Assert.True(personality >= 0);
        Assert.Equal((-(nint)Errno.EPERM, -(nint)Errno.ENOSYS, -(nint)Errno.ENOSYS), (unshare, clone3, future));
    }

    private static unsafe nint Load(SeccompProgram program)
    {
        const int SetNoNewPrivileges = 38, SetModeFilter = 1;
        nint result = Syscall.Call(SyscallNumber.Prctl, SetNoNewPrivileges, 1);
        if (result != 0) return result;
        fixed (FilterInstruction* instructions = program.Instructions.Span)
        {
            // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
            nint* description = stackalloc nint[2];
            description[0] = program.Instructions.Length;
            description[1] = (nint)instructions;
            return Syscall.Call(SyscallNumber.Seccomp, SetModeFilter, (nint)program.Flags, (nint)description);
        }
    }
}
