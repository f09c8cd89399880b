namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Numbers of the resource limits (<c>include/uapi/asm-generic/resource.h</c>).</summary>
internal static class ResourceLimits
{
    private static readonly string[] Names =
    [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ];

    /// <param name="type"><c>RLIMIT_NOFILE</c>, as the OCI spec writes it.</param>
    public static int? Number(string type)
    {
        const string prefix = "RLIMIT_";
        int number = type.StartsWith(prefix, StringComparison.Ordinal) ? Array.IndexOf(Names, type[prefix.Length..]) : -1;
        return number < 0 ? null : number;
    }
}
