namespace Gantry.Linux.Cgroups;

/// <summary>Values of v1 limits in the terms of v2 (reference 5.14; OCI runtime spec, <c>config-linux.md</c>, "Unified"; crun's <c>crun.1</c>, "CGROUP v2").</summary>
public static class UnifiedConversion
{
    /// <summary>cpu.shares 2–262144 → cpu.weight 1–10000, linear.</summary>
    public static long CpuWeight(long shares) => shares == 0 ? 0 : 1 + (Math.Clamp(shares, 2, 262144) - 2) * 9999 / 262142;

    /// <summary>blkio.weight 10–1000 → io.weight 1–10000, linear. (BFQ's own file takes 1–1000 and needs no conversion.)</summary>
    public static long IoWeight(long weight) => weight == 0 ? 0 : 1 + (Math.Clamp(weight, 10, 1000) - 10) * 9999 / 990;

    /// <summary>Memory plus swap → swap alone; −1 is unlimited.</summary>
    /// <param name="memory">The limit on memory in force with it; −1 is unlimited.</param>
    /// <exception cref="ArgumentException">A limit on the sum without one on memory, or one below it.</exception>
    public static long Swap(long memoryAndSwap, long memory)
    {
        if (memoryAndSwap < 0) return -1;
        if (memory <= 0) throw new ArgumentException("memory and swap together can only be limited when memory is");
        if (memoryAndSwap < memory) throw new ArgumentException($"the limit on memory and swap together ({memoryAndSwap}) is below that on memory ({memory})");
        return memoryAndSwap - memory;
    }
}
