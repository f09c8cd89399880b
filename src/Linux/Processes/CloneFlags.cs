namespace Gantry.Linux.Processes;

/// <summary>Flags of clone3(2), unshare(2) and setns(2) (<c>include/uapi/linux/sched.h</c>).</summary>
[Flags]
public enum CloneFlags : ulong
{
    None = 0,
    SharedMemory = 0x100,
    SharedFiles = 0x400,
    SuspendParent = 0x4000,
    PidFd = 0x1000,
    /// <summary>The child's parent is the caller's.</summary>
    SameParent = 0x8000,
    NewMount = 0x0002_0000,
    NewCgroup = 0x0200_0000,
    NewUts = 0x0400_0000,
    NewIpc = 0x0800_0000,
    NewUser = 0x1000_0000,
    NewPid = 0x2000_0000,
    NewNet = 0x4000_0000,
    ClearSignalHandlers = 0x1_0000_0000,
    IntoCgroup = 0x2_0000_0000,
    NewTime = 0x80,
}
