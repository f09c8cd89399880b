using Gantry.Linux.Security;

namespace Gantry.Unit.Linux.Security;

/// <summary>Runs a filter program as the kernel would, on one made-up call (kernel: <c>Documentation/networking/filter.rst</c>, "BPF engine and instruction set").</summary>
internal static class FilterMachine
{
    public const uint X86_64 = 0xC000003E, I386 = 0x40000003, Arm64 = 0xC00000B7, X32Bit = 0x40000000;
    public const uint Allow = 0x7FFF0000, Eperm = 0x00050001, Enosys = 0x00050026, KillProcess = 0x80000000, KillThread = 0, Trap = 0x00030000, Log = 0x7FFC0000;

    public static uint Run(SeccompProgram program, uint architecture, uint number, params ulong[] arguments)
    {
        // struct seccomp_data { int nr; u32 arch; u64 instruction_pointer; u64 args[6]; }
        uint[] data = new uint[16];
        data[0] = number;
        data[1] = architecture;
        for (int i = 0; i < arguments.Length; i++)
        {
            data[4 + 2 * i] = (uint)arguments[i];
            data[5 + 2 * i] = (uint)(arguments[i] >> 32);
        }
        uint a = 0, x = 0;
        uint[] memory = new uint[16];
        var code = program.Instructions.Span;
        for (int pc = 0; ; pc++)
        {
            var i = code[pc];
            switch (i.Code)
            {
                case 0x20: a = data[i.Operand / 4]; break;                                       // ld [k]
                case 0x00: a = i.Operand; break;                                                 // ld #k
                case 0x60: a = memory[i.Operand]; break;                                         // ld M[k]
                case 0x02: memory[i.Operand] = a; break;                                         // st M[k]
                case 0x01: x = i.Operand; break;                                                 // ldx #k
                case 0x54: a &= i.Operand; break;                                                // and #k
                case 0x05: pc += (int)i.Operand; break;                                          // ja
                case 0x15: pc += a == i.Operand ? i.IfTrue : i.IfFalse; break;                   // jeq
                case 0x25: pc += a > i.Operand ? i.IfTrue : i.IfFalse; break;                    // jgt
                case 0x35: pc += a >= i.Operand ? i.IfTrue : i.IfFalse; break;                   // jge
                case 0x45: pc += (a & i.Operand) != 0 ? i.IfTrue : i.IfFalse; break;             // jset
                case 0x06: return i.Operand;                                                     // ret #k
                case 0x16: return a;                                                             // ret a
                case 0x07: x = a; break;                                                         // tax
                case 0x87: a = x; break;                                                         // txa
                default: throw new InvalidOperationException($"instruction {i.Code:x} at {pc}");
            }
        }
    }
}
