using System.Text.Json;

namespace Gantry.Integration.Harness;

/// <summary>Leaves the machine as it was: processes, mounts, cgroups, interfaces, firewall tables, files. Each step tolerates that there is nothing to do.</summary>
internal sealed partial class TestEngine
{
    private readonly HashSet<string> bridges = [];

    /// <summary>User-defined networks have bridges named by their ids: asked for while there is somebody to ask.</summary>
    private async Task RememberNetworksAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            using var networks = JsonDocument.Parse(await Http.GetStringAsync("/networks", limit.Token));
            foreach (var network in networks.RootElement.EnumerateArray())
            {
                if (network.GetProperty("Driver").GetString() == "bridge") bridges.Add("br-" + network.GetProperty("Id").GetString()![..12]);
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException or KeyNotFoundException)
        {
            // It does not answer, or has no networks.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is { HasExited: false })
        {
            try
            {
                await StopDaemonAsync();
            }
            catch (TimeoutException)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }
        process?.Dispose();
        Http.Dispose();
        await KillLeftoversAsync();
        if (inSlice) await Programs.RunAsync("systemctl", ["stop", Slice]);   // what is left of it: scopes, and the slice itself
        await RemoveCgroupsAsync();
        Unmount();
        await RemoveInterfacesAsync();
        await RemoveFirewallAsync();
        using (var parent = Gantry.Linux.Files.DirectoryFd.Open(folder.Parent!.FullName)) Gantry.Linux.Files.TreeRemoval.Remove(parent, folder.Name);   // names that are no text too
    }

    /// <summary>Supervisors of this engine, and everything in its cgroups; by process id, each looked at again right before.</summary>
    private async Task KillLeftoversAsync()
    {
        for (int round = 0; round < 50; round++)
        {
            int[] left = [.. Supervisors(), .. CgroupFolders.Of(Name).Concat(CgroupFolders.Of(Slice)).SelectMany(Members).Distinct()];
            if (left.Length == 0) return;
            foreach (int id in left) Signals.Send(id, Signals.Kill);
            foreach (int id in left) await WaitForEndAsync(id);
        }
    }

    public IEnumerable<int> Supervisors() => Directory.EnumerateDirectories("/proc").Select(System.IO.Path.GetFileName).Where(n => int.TryParse(n, out _)).Select(n => int.Parse(n!, System.Globalization.CultureInfo.InvariantCulture)).Where(id =>
    {
        try
        {
            string[] line = File.ReadAllText($"/proc/{id}/cmdline").Split('\0');
            return line[0].EndsWith("gantry-supervisor", StringComparison.Ordinal) && line.Contains(ExecRoot);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // it has ended
        }
    });

    private static async Task WaitForEndAsync(int id)
    {
        // Reaped by init or by its own parent: nobody tells us, so the process's directory is looked at.
        var until = DateTime.UtcNow.AddSeconds(5);
        while (Directory.Exists($"/proc/{id}") && State(id) is not ('Z' or 'X') && DateTime.UtcNow < until) await Task.Delay(2);
    }

    private static char State(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return 'X';
        }
    }

    private static IEnumerable<int> Members(string group)
    {
        try
        {
            return [.. File.ReadLines($"{group}/cgroup.procs").Select(line => int.Parse(line, System.Globalization.CultureInfo.InvariantCulture)).Where(id => id > 0)];
        }
        catch (IOException)
        {
            return [];   // the group has gone, or is a threaded one
        }
    }

    private async Task RemoveCgroupsAsync()
    {
        int refusals = 0;
        while (CgroupFolders.Of(Name).FirstOrDefault() is { } group)
        {
            try
            {
                Directory.Delete(group);
            }
            catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && refusals++ < 200)
            {
                await Task.Delay(50);   // a process that has been killed is a member until it has ended
                await KillLeftoversAsync();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InvalidOperationException($"the cgroup {group} cannot be removed: {e.Message}");
            }
        }
    }

    private void Unmount()
    {
        var mounts = File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(path => path.StartsWith(folder.FullName + "/", StringComparison.Ordinal)).Reverse().ToList();
        foreach (string mount in mounts) Gantry.Linux.Kernel.Syscall.Check(LazyUnmount(mount), $"unmount {mount}");
    }

    private static unsafe nint LazyUnmount(string path)
    {
        const int detach = 2;
        using var text = new Gantry.Linux.Kernel.CString(path, stackalloc byte[256]);
        fixed (byte* pointer = text) return Gantry.Linux.Kernel.Syscall.Call(Gantry.Linux.Kernel.SyscallNumber.Umount2, (nint)pointer, detach);
    }

    private async Task RemoveInterfacesAsync()
    {
        foreach (string bridge in bridges.Append(Name).Where(b => Directory.Exists($"/sys/class/net/{b}")))
            Assert.Equal(0, (await Programs.RunAsync("ip", ["link", "delete", bridge])).ExitCode);
    }

    private async Task RemoveFirewallAsync()
    {
        if (!Programs.IsInstalled("nft")) return;
        var tables = await Programs.RunAsync("nft", ["list", "tables"]);
        foreach (string line in tables.Output.Split('\n').Where(l => l.EndsWith("gantry-" + Name, StringComparison.Ordinal)))
            Assert.Equal(0, (await Programs.RunAsync("nft", ["delete", .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).ExitCode);
    }
}
