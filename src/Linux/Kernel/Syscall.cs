using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Gantry.Linux.Kernel;

/// <summary>The one door to the kernel: libc's <c>syscall(2)</c>, with the result in the kernel's own form (a negative errno on failure).</summary>
/// <remarks>
/// The variadic C function takes integer arguments in the same registers as a plain one on x86-64 and arm64, so a fixed signature calls it correctly.
/// </remarks>
public static unsafe partial class Syscall
{
    [DllImport("libc", EntryPoint = "syscall")]
    private static extern nint Raw(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    [DllImport("libc", EntryPoint = "syscall"), SuppressGCTransition]
    private static extern nint RawFast(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    [DllImport("libc", EntryPoint = "__errno_location"), SuppressGCTransition]
    private static extern int* ErrnoLocation();

    /// <summary>Makes a system call that may block. Returns its result, or <c>-errno</c>.</summary>
    public static nint Call(int number, nint a = 0, nint b = 0, nint c = 0, nint d = 0, nint e = 0, nint f = 0)
    {
        nint result = Raw(number, a, b, c, d, e, f);
        return result == -1 ? -*ErrnoLocation() : result;
    }

    /// <summary>Makes a system call that never blocks and takes microseconds: the thread stays visible to the collector as running managed code.</summary>
    public static nint Fast(int number, nint a = 0, nint b = 0, nint c = 0, nint d = 0, nint e = 0, nint f = 0)
    {
        nint result = RawFast(number, a, b, c, d, e, f);
        return result == -1 ? -*ErrnoLocation() : result;
    }

    /// <summary>Passes a successful result on; a failed one becomes a <see cref="KernelException"/> that carries the step's name.</summary>
    public static nint Check(nint result, string step) => result >= 0 ? result : throw new KernelException(step, (Errno)(int)-result);

    /// <summary>Repeats <see cref="Call"/> while a signal interrupts it.</summary>
    public static nint CallRestarting(int number, nint a = 0, nint b = 0, nint c = 0, nint d = 0, nint e = 0, nint f = 0)
    {
        nint result;
        do result = Call(number, a, b, c, d, e, f);
        while (result == -(int)Errno.EINTR);
        return result;
    }
}
