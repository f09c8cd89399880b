using System.Diagnostics;
using System.Security.Cryptography;
using Gantry.Linux.Cgroups;

namespace Gantry.Unit.Linux.Cgroups;

/// <summary>A group of this test's own in the machine's hierarchies, and processes in it. All gone when it is disposed.</summary>
internal sealed class TestGroup : IAsyncDisposable
{
    private readonly CgroupfsDriver driver;
    private readonly List<Process> processes = [];
    private readonly string top;

    public TestGroup(Func<CgroupLayout, CgroupLayout>? change = null)
    {
        var layout = CgroupLayout.Detect();
        driver = new CgroupfsDriver(change is null ? layout : change(layout));
        top = "/gt" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));
        Group = driver.Create(top + "/one");
    }

    public CgroupfsDriver Driver => driver;

    public ICgroup Group { get; }

    public string Parent => top;

    public static CgroupLayout Layout { get; } = CgroupLayout.Detect();

    /// <summary>Only the unified mount: what a machine with nothing but v2 has, though here without controllers.</summary>
    public static CgroupLayout OnlyUnified(CgroupLayout layout) => layout with
    {
        Kind = CgroupKind.Unified,
        Hierarchies = [.. layout.Hierarchies.Where(h => h.Unified)],
    };

    public string Read(string controller, string file) => File.ReadAllText(Path.Combine(Group.PathIn(driver.Layout.Find(controller)!), file)).TrimEnd('\n');

    /// <summary>Runs a shell line in the group.</summary>
    public Process Start(string line)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("read go; " + line);
        var process = Process.Start(start)!;
        processes.Add(process);
        using (var entry = Group.OpenEntry()) entry.Join(process.Id);
        process.StandardInput.WriteLine("go");
        return process;
    }

    /// <summary>Waits for a process's end, though not for ever.</summary>
    public static async Task ExitAsync(Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await process.WaitForExitAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Group.KillAsync(CancellationToken.None);
        foreach (var process in processes)
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        await driver.Open(top).DeleteAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        driver.Dispose();
    }
}

/// <summary>A test of what only cgroup v1 has, or does so; skipped, with the reason, where no controller is mounted as v1. <see cref="UnifiedCgroupTests"/> are those of v2.</summary>
public sealed class LegacyFactAttribute : FactAttribute
{
    public const string Missing = "this machine has no cgroup v1 controllers";

    public LegacyFactAttribute() => Skip = IsPossible ? null : Missing;

    public static bool IsPossible { get; } = TestGroup.Layout.Find("memory") is { Unified: false };
}

/// <summary><see cref="LegacyFactAttribute"/> for a test with data.</summary>
public sealed class LegacyTheoryAttribute : TheoryAttribute
{
    public LegacyTheoryAttribute() => Skip = LegacyFactAttribute.IsPossible ? null : LegacyFactAttribute.Missing;
}
