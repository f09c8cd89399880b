using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Makes files as somebody else (setfsuid(2)). Needed below mounts that know no file of root's: what a user namespace shifts.</summary>
public static unsafe class FileOwner
{
    private const uint CapabilityVersion = 0x20080522;

    /// <summary>Does some work on this thread: files that it makes belong to the user and group, and its rights stay those of the process.</summary>
    /// <exception cref="KernelException">This process may not do that (<c>EPERM</c>).</exception>
    public static void Assume(uint user, uint group, Action work)
    {
        uint formerGroup = Set(SyscallNumber.Setfsgid, group), formerUser = Set(SyscallNumber.Setfsuid, user);
        try
        {
            if (Set(SyscallNumber.Setfsuid, user) != user || Set(SyscallNumber.Setfsgid, group) != group) throw new KernelException($"make files as user {user}, group {group}", Errno.EPERM);
            RaiseCapabilities();
            work();
        }
        finally
        {
            Set(SyscallNumber.Setfsuid, formerUser);   // with root the thread's rights over files come back
            Set(SyscallNumber.Setfsgid, formerGroup);
        }
    }

    /// <summary>These calls never fail in words: they answer who was set before.</summary>
    private static uint Set(int call, uint id) => (uint)Syscall.Fast(call, (nint)id);

    /// <summary>The kernel takes the rights over files from a thread whose files are not root's (capabilities(7)); they are still permitted.</summary>
    private static void RaiseCapabilities()
    {
        uint* header = stackalloc uint[2];
        uint* data = stackalloc uint[6];   // effective, permitted, inheritable; twice
        (header[0], header[1]) = (CapabilityVersion, 0);
        Syscall.Check(Syscall.Call(SyscallNumber.Capget, (nint)header, (nint)data), "capget");
        (data[0], data[3]) = (data[1], data[4]);
        Syscall.Check(Syscall.Call(SyscallNumber.Capset, (nint)header, (nint)data), "capset");
    }
}
