using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Device rules on cgroup v2: an eBPF program of type <c>BPF_PROG_TYPE_CGROUP_DEVICE</c> that the kernel asks before each access (bpf(2); kernel: <c>include/uapi/linux/bpf.h</c>).</summary>
/// <remarks>
/// The program walks the rules backwards and keeps, in a register, which of the wanted kinds of access are not decided yet: for each kind the last
/// rule that fits counts, as the rules were written. What no rule decides is allowed, as in a v1 group that nobody has restricted.
/// </remarks>
internal static unsafe class DeviceProgram
{
    private const int ProgramLoad = 5, ProgramAttach = 8, ProgramDetach = 9, ProgramGetById = 13, ProgramQuery = 16;
    private const int TypeCgroupDevice = 15, AttachCgroupDevice = 6, AllowMultiple = 2;
    private const int AttributeSize = 128;

    /// <summary>Registers: r0 result, r1 context, r2 device type, r4 kinds of access still undecided, r5 major, r6 minor, r7 scratch.</summary>
    public static BpfInstruction[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        // struct bpf_cgroup_dev_ctx { u32 access_type (access << 16 | type), major, minor; }
        var code = new List<BpfInstruction>
        {
            BpfInstruction.Load32(2, 1, 0), BpfInstruction.Move(4, 2), BpfInstruction.AndImmediate(2, 0xFFFF), BpfInstruction.ShiftRightImmediate(4, 16),
            BpfInstruction.Load32(5, 1, 4), BpfInstruction.Load32(6, 1, 8),
        };
        bool decided = false;
        for (int i = rules.Count - 1; i >= 0 && !decided; i--)
        {
            var body = Body(rules[i]);
            // Each test jumps behind the rule when it does not fit.
            var tests = new List<(byte Register, uint Value)>();
            if (rules[i].Type is 'b') tests.Add((2, 1));
            if (rules[i].Type is 'c') tests.Add((2, 2));
            if (rules[i].Major is { } major) tests.Add((5, major));
            if (rules[i].Minor is { } minor) tests.Add((6, minor));
            for (int t = 0; t < tests.Count; t++)
                code.Add(BpfInstruction.JumpIfNotEqual32(tests[t].Register, tests[t].Value, (short)(tests.Count - t - 1 + body.Length)));
            code.AddRange(body);
            decided = tests.Count == 0 && rules[i].Access == DeviceAccess.All;
        }
        if (!decided) code.AddRange([BpfInstruction.MoveImmediate(0, 1), BpfInstruction.Exit]);
        return [.. code];
    }

    private static BpfInstruction[] Body(DeviceRule rule) => (rule.Allow, rule.Access) switch
    {
        (var allow, DeviceAccess.All) => [BpfInstruction.MoveImmediate(0, allow ? 1 : 0), BpfInstruction.Exit],
        (true, var access) =>
        [
            BpfInstruction.AndImmediate(4, ~(int)access), BpfInstruction.JumpIfNotEqual32(4, 0, 2), BpfInstruction.MoveImmediate(0, 1), BpfInstruction.Exit,
        ],
        (false, var access) =>
        [
            BpfInstruction.Move(7, 4), BpfInstruction.AndImmediate(7, (int)access), BpfInstruction.JumpIfEqual32(7, 0, 2), BpfInstruction.MoveImmediate(0, 0), BpfInstruction.Exit,
        ],
    };

    /// <summary>Puts the rules in the place of those that the group has. Between the two steps both hold, so nothing is open meanwhile.</summary>
    public static void Attach(CgroupDirectory group, IReadOnlyList<DeviceRule> rules)
    {
        using var directory = group.Open(default, ControlFile.ReadOnly | ControlFile.DirectoryOnly);
        uint[] earlier = Attached(directory, group.FullPath);
        using var program = Load(Compile(rules), group.FullPath);
        byte* attribute = stackalloc byte[AttributeSize];
        new Span<byte>(attribute, AttributeSize).Clear();
        int* fields = (int*)attribute;   // target_fd, attach_bpf_fd, attach_type, attach_flags
        fields[0] = directory.Number;
        fields[1] = program.Number;
        fields[2] = AttachCgroupDevice;
        fields[3] = AllowMultiple;
        Bpf(ProgramAttach, attribute, $"attach the device rules of {group.FullPath}");
        foreach (uint id in earlier) Detach(directory, id, group.FullPath);
    }

    private static Fd Load(BpfInstruction[] code, string path)
    {
        byte* attribute = stackalloc byte[AttributeSize];
        new Span<byte>(attribute, AttributeSize).Clear();
        fixed (BpfInstruction* instructions = code)
        fixed (byte* licence = "Apache-2.0\0"u8)
        {
            *(int*)attribute = TypeCgroupDevice;
            *(int*)(attribute + 4) = code.Length;
            *(ulong*)(attribute + 8) = (ulong)instructions;
            *(ulong*)(attribute + 16) = (ulong)licence;
            *(int*)(attribute + 68) = AttachCgroupDevice;   // expected_attach_type
            return new Fd(Bpf(ProgramLoad, attribute, $"load the device rules of {path}"));
        }
    }

    private static uint[] Attached(Fd directory, string path)
    {
        byte* attribute = stackalloc byte[AttributeSize];
        new Span<byte>(attribute, AttributeSize).Clear();
        uint[] ids = new uint[64];
        fixed (uint* p = ids)
        {
            *(int*)attribute = directory.Number;
            *(int*)(attribute + 4) = AttachCgroupDevice;
            *(ulong*)(attribute + 16) = (ulong)p;   // prog_ids
            *(int*)(attribute + 24) = ids.Length;   // prog_cnt
            Bpf(ProgramQuery, attribute, $"list the device programs of {path}");
            return ids[..*(int*)(attribute + 24)];
        }
    }

    private static void Detach(Fd directory, uint id, string path)
    {
        byte* attribute = stackalloc byte[AttributeSize];
        new Span<byte>(attribute, AttributeSize).Clear();
        *(uint*)attribute = id;
        nint found = Syscall.Call(SyscallNumber.Bpf, ProgramGetById, (nint)attribute, AttributeSize);
        if (found < 0) return;   // someone else has taken it away
        using var program = new Fd((int)found);
        new Span<byte>(attribute, AttributeSize).Clear();
        *(int*)attribute = directory.Number;
        *(int*)(attribute + 4) = program.Number;
        *(int*)(attribute + 8) = AttachCgroupDevice;
        Bpf(ProgramDetach, attribute, $"detach the earlier device rules of {path}");
    }

    private static int Bpf(int command, byte* attribute, string step) =>
        (int)Syscall.Check(Syscall.Call(SyscallNumber.Bpf, command, (nint)attribute, AttributeSize), step);
}

/// <summary>One eBPF instruction: <c>struct bpf_insn</c> (kernel: <c>Documentation/bpf/standardization/instruction-set.rst</c>).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct BpfInstruction(byte Code, byte Registers, short Offset, int Immediate)
{
    public static readonly BpfInstruction Exit = new(0x95, 0, 0, 0);

    /// <summary>destination = *(u32 *)(source + offset)</summary>
    public static BpfInstruction Load32(byte destination, byte source, short offset) => new(0x61, (byte)(destination | source << 4), offset, 0);

    public static BpfInstruction Move(byte destination, byte source) => new(0xBF, (byte)(destination | source << 4), 0, 0);

    public static BpfInstruction MoveImmediate(byte destination, int value) => new(0xB7, destination, 0, value);

    public static BpfInstruction AndImmediate(byte destination, int value) => new(0x57, destination, 0, value);

    public static BpfInstruction ShiftRightImmediate(byte destination, int bits) => new(0x77, destination, 0, bits);

    public static BpfInstruction JumpIfEqual32(byte register, uint value, short offset) => new(0x16, register, offset, (int)value);

    public static BpfInstruction JumpIfNotEqual32(byte register, uint value, short offset) => new(0x56, register, offset, (int)value);
}
