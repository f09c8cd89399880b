using System.Reflection;
using System.Text;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>A daemon of another build than its containers' supervisor.</summary>
public sealed class OtherBuildTests
{
    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;

    /// <summary>The programs once more, with another version in the supervisor's assembly: as an upgrade would leave them.</summary>
    private static string CopyWithOtherVersion(TestEngine engine)
    {
        string folder = engine.Path("upgraded");
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(TestEngine.BinFolder))
        {
            string target = System.IO.Path.Combine(folder, System.IO.Path.GetFileName(file));
            File.Copy(file, target);
            File.SetUnixFileMode(target, File.GetUnixFileMode(file));
        }
        foreach (string directory in Directory.GetDirectories(TestEngine.BinFolder, "runtimes")) Directory.CreateSymbolicLink(System.IO.Path.Combine(folder, "runtimes"), directory);
        string assembly = System.IO.Path.Combine(folder, "Gantry.Supervisor.dll");
        byte[] bytes = File.ReadAllBytes(assembly);
        byte[] version = Encoding.UTF8.GetBytes(Assembly.LoadFrom(System.IO.Path.Combine(TestEngine.BinFolder, "Gantry.Supervisor.dll")).GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
        int at = bytes.AsSpan().IndexOf(version);
        Assert.True(at > 0, "the assembly carries no version");
        bytes[at] = bytes[at] == (byte)'9' ? (byte)'8' : (byte)'9';
        File.WriteAllBytes(assembly, bytes);
        return System.IO.Path.Combine(folder, "gantryd");
    }

    [Fact]
    public async Task An_older_supervisor_keeps_its_containers_until_the_last_has_ended_and_a_newer_one_gets_the_new()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        string old = await engine.RunAsync(Api.Script("echo before; sleep 1000"));
        int oldSupervisor = Assert.Single(engine.Supervisors());
        await engine.KillDaemonAsync();
        engine.Program = CopyWithOtherVersion(engine);
        await engine.StartDaemonAsync();
        Assert.Equal("running", await engine.StateAsync(old));
        Assert.Equal((0, "in\n"), await engine.ExecAsync(old, "echo in"));
        Assert.Equal("before\n", await engine.LogsAsync(old));
        Assert.Equal(200, (await engine.PostAsync($"/containers/{old}/update", new System.Text.Json.Nodes.JsonObject { ["Memory"] = 64 << 20, ["MemorySwap"] = 128 << 20 })).Status);
        Assert.Equal([oldSupervisor], engine.Supervisors());   // it got nothing new, and there is nothing for another one to do yet

        string young = await engine.RunAsync(Api.Script("exit 3"));
        Assert.Equal(3, await engine.WaitAsync(young));
        Assert.Equal(2, engine.Supervisors().Count());
        Assert.Equal(204, (await engine.PostAsync($"/containers/{old}/stop?t=0")).Status);
        Assert.Equal(137, await engine.WaitAsync(old));
        while (engine.Supervisors().Contains(oldSupervisor)) await Task.Delay(20, Limit);

        _ = (await engine.PostAsync($"/containers/{old}/start")).Result;   // under the new one now
        Assert.Equal("running", await engine.StateAsync(old));
        Assert.Single(engine.Supervisors());
        foreach (string id in (string[])[old, young]) await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_dead_supervisor_of_an_older_build_is_followed_by_one_of_the_new()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        string id = await engine.RunAsync(Api.Script("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.02; done; exit 6"));
        await engine.KillDaemonAsync();
        engine.Program = CopyWithOtherVersion(engine);
        await engine.StartDaemonAsync();
        foreach (int supervisor in engine.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        Assert.Equal(6, await engine.WaitAsync(id));
        Assert.Equal(string.Concat(Enumerable.Range(0, 200).Select(i => $"line {i}\n")), await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }
}
