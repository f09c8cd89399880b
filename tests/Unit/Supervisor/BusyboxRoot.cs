using Gantry.Linux.Mounts;

namespace Gantry.Unit.Supervisor;

/// <summary>A small root file system from the machine's static busybox, mounted as a container's root would be. Removed at the end.</summary>
internal sealed class BusyboxRoot : IDisposable
{
    public const string Program = "busybox";

    private readonly string directory = Directory.CreateTempSubdirectory("gantry-test").FullName;

    public BusyboxRoot()
    {
        foreach (string name in new[] { "lower/bin", "lower/etc", "lower/dev", "lower/proc", "lower/sys", "lower/tmp", "upper", "work", "run" }) Directory.CreateDirectory(Path.Combine(directory, name));
        string busybox = Path.Combine(directory, "lower/bin/busybox");
        File.Copy(Locate(), busybox);
        foreach (string applet in new[] { "sh", "cat", "echo", "true", "sleep", "id", "hostname", "mount", "ls", "mkdir", "tty", "stty", "env", "grep", "readlink", "ip", "test", "touch", "chroot" })
            File.CreateSymbolicLink(Path.Combine(directory, "lower/bin", applet), "busybox");
        File.WriteAllText(Path.Combine(directory, "lower/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    }

    public string Run => Path.Combine(directory, "run");

    public string Lower => Path.Combine(directory, "lower");

    public string Upper => Path.Combine(directory, "upper");

    private static string Locate() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, Program)).First(File.Exists);

    public DetachedMount Mount() => DetachedMount.Overlay([Lower], Upper, Path.Combine(directory, "work"));

    public void Dispose() => Directory.Delete(directory, recursive: true);
}
