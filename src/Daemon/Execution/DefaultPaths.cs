namespace Gantry.Daemon.Execution;

/// <summary>Parts of <c>/proc</c> and <c>/sys</c> that a container does not see, or cannot write (reference 5.13, golden 034).</summary>
internal static class DefaultPaths
{
    public static readonly IReadOnlyList<string> Masked = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap", .. ThermalThrottle(),
    ];

    public static readonly IReadOnlyList<string> ReadOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    private static IEnumerable<string> ThermalThrottle()
    {
        for (int cpu = 0; Directory.Exists($"/sys/devices/system/cpu/cpu{cpu}"); cpu++)
        {
            string path = $"/sys/devices/system/cpu/cpu{cpu}/thermal_throttle";
            if (Directory.Exists(path)) yield return path;
        }
    }
}
