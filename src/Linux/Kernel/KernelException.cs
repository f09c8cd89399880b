namespace Gantry.Linux.Kernel;

/// <summary>A system call failed: which step it was part of, and the kernel's error number.</summary>
public sealed class KernelException(string step, Errno errno) : IOException($"{step}: {errno.Describe()}")
{
    /// <summary>What was being done, with the object's name: <c>mount /proc</c>, <c>open cgroup.procs</c>.</summary>
    public string Step { get; } = step;

    public Errno Errno { get; } = errno;
}
