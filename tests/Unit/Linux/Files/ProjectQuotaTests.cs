using System.Diagnostics;
using Gantry.Linux.Files;

namespace Gantry.Unit.Linux.Files;

/// <summary>Project quotas, on a file system of the test's own: skipped where the kernel cannot mount one.</summary>
public sealed class ProjectQuotaTests
{
    /// <summary>A test that needs ext4 with project quotas.</summary>
    private sealed class QuotaFactAttribute : FactAttribute
    {
        public QuotaFactAttribute()
        {
            using var folder = new TemporaryDirectory();
            Skip = TryMount(folder) is { } reason ? "no file system with project quotas: " + reason : null;
            if (Skip is null) Unmount(folder);
        }
    }

    private static string? TryMount(TemporaryDirectory folder)
    {
        File.WriteAllBytes(folder["image"], []);
        using (var file = new FileStream(folder["image"], FileMode.Open)) file.SetLength(64 << 20);
        Directory.CreateDirectory(folder["mount"]);
        return Run("mkfs.ext4", "-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota", folder["image"]) ?? Run("mount", "-o", "loop,prjquota", folder["image"], folder["mount"]);
    }

    private static void Unmount(TemporaryDirectory folder) => Run("umount", "--lazy", folder["mount"]);

    /// <returns>What went wrong; null for nothing.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        if (!Programs.IsInstalled(program)) return program + " is not installed";
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Split('\n')[0].Trim();
    }

    [QuotaFact]
    public void A_project_takes_no_more_than_its_limit()
    {
        using var folder = new TemporaryDirectory();
        Assert.Null(TryMount(folder));
        try
        {
            Directory.CreateDirectory(folder["mount/limited"]);
            using var limited = DirectoryFd.Open(folder["mount/limited"]);
            Assert.True(ProjectQuota.IsEnforced(limited));
            ProjectQuota.SetProject(limited, 4711);
            ProjectQuota.Limit(limited, 4711, 4 << 20);
            Assert.Equal(4711u, ProjectQuota.ProjectOf(limited));
            // ext4 does not hold those to a limit who have CAP_SYS_RESOURCE.
            Assert.NotNull(Run("setpriv", "--bounding-set", "-sys_resource", "dd", "if=/dev/zero", "of=" + folder["mount/limited/f"], "bs=1M", "count=8"));
            Assert.InRange(new FileInfo(folder["mount/limited/f"]).Length, 1 << 20, 4 << 20);
        }
        finally
        {
            Unmount(folder);
        }
    }

    [Fact]
    public void A_file_system_without_them_says_so()
    {
        using var shared = DirectoryFd.Open("/proc");
        Assert.False(ProjectQuota.IsEnforced(shared));
        Assert.Equal(0u, ProjectQuota.ProjectOf(shared));
    }
}
