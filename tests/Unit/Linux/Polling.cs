using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux;

internal static class Polling
{
    /// <summary>Waits until a descriptor can be read from; false when it could not within the time.</summary>
    public static Task<bool> IsReadableAsync(Fd fd, int milliseconds = 5000) => Task.Run(() => IsReadable(fd, milliseconds));

    private static unsafe bool IsReadable(Fd fd, int milliseconds)
    {
        long poll = (uint)fd.Number | 1L << 32;
        long* limit = stackalloc long[] { milliseconds / 1000, milliseconds % 1000 * 1_000_000L };
        return Syscall.Call(SyscallNumber.Ppoll, (nint)(&poll), 1, (nint)limit, 0, 0) == 1;
    }
}
