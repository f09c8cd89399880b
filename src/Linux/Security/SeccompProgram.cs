using System.Runtime.InteropServices;

namespace Gantry.Linux.Security;

/// <summary>A compiled filter, ready for <c>seccomp(SECCOMP_SET_MODE_FILTER, flags, &amp;sock_fprog)</c> (seccomp(2)).</summary>
/// <param name="Instructions"><c>struct sock_filter</c>, one after the other.</param>
/// <param name="Flags"><c>SECCOMP_FILTER_FLAG_…</c>.</param>
public sealed record SeccompProgram(ReadOnlyMemory<FilterInstruction> Instructions, uint Flags)
{
    /// <summary>The instructions as the kernel reads them, eight bytes each.</summary>
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(Instructions.Span);
}

/// <summary>One classic BPF instruction: <c>struct sock_filter</c> (kernel: <c>include/uapi/linux/filter.h</c>).</summary>
/// <param name="IfTrue">How many instructions a jump passes over when its test holds.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FilterInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);
