using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;
using Xunit.Abstractions;

namespace Gantry.Integration.Supervision;

/// <summary>Many health checks and many lives: nothing grows. <c>GANTRY_TEST_SOAK_PROBES</c> and <c>GANTRY_TEST_SOAK_CYCLES</c> say how many.</summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    private static readonly int Probes = Number("GANTRY_TEST_SOAK_PROBES", 200), Cycles = Number("GANTRY_TEST_SOAK_CYCLES", 40);

    /// <summary>What a process may gain while a soak runs: the runtime's own pools and the collector's appetite settle within this.</summary>
    private const long MemorySlack = 24 << 20;
    private const int DescriptorSlack = 12;

    private static int Number(string name, int otherwise) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private sealed record Size(long DaemonMemory, int DaemonDescriptors, int DaemonThreads, long SupervisorMemory, int SupervisorDescriptors, int SupervisorThreads)
    {
        public static Size Of(TestEngine engine)
        {
            int supervisor = engine.Supervisors().Single();
            return new(Memory(engine.ProcessId), Leftovers.Descriptors(engine.ProcessId), Threads(engine.ProcessId), Memory(supervisor), Leftovers.Descriptors(supervisor), Threads(supervisor));
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture,
            $"daemon {DaemonMemory >> 10} kB, {DaemonDescriptors} fds, {DaemonThreads} threads; supervisor {SupervisorMemory >> 10} kB, {SupervisorDescriptors} fds, {SupervisorThreads} threads");
    }

    /// <summary>What belongs to the process alone, in bytes.</summary>
    private static long Memory(int process) => File.ReadLines($"/proc/{process}/smaps_rollup").Where(l => l.StartsWith("Private_", StringComparison.Ordinal)).Sum(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)) << 10;

    private static int Threads(int process) => Directory.GetDirectories($"/proc/{process}/task").Length;

    [Fact]
    public async Task Health_checks_and_lives_of_containers_leave_memory_and_descriptors_as_they_were()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        await CyclesAsync(engine, Math.Max(10, Cycles / 10));
        await ProbesAsync(engine, Math.Max(50, Probes / 10));
        var before = Size.Of(engine);
        output.WriteLine($"before: {before}");
        await ProbesAsync(engine, Probes);
        output.WriteLine($"after {Probes} health checks: {Size.Of(engine)}");
        await CyclesAsync(engine, Cycles);
        var left = await Leftovers.FindAsync(engine);
        for (int i = 0; i < 600 && left.Count > 0; i++)
        {
            await Task.Delay(100);   // what is taken away in the background
            left = await Leftovers.FindAsync(engine);
        }
        Assert.Empty(left);
        var after = Size.Of(engine);
        for (int i = 0; i < 600 && (after.DaemonDescriptors > before.DaemonDescriptors + DescriptorSlack || after.SupervisorDescriptors > before.SupervisorDescriptors + DescriptorSlack); i++)
        {
            await Task.Delay(100);   // what is closed in the background
            after = Size.Of(engine);
        }
        output.WriteLine($"after {Cycles} lives: {after}");
        Assert.InRange(after.DaemonMemory, 0, before.DaemonMemory + MemorySlack);
        Assert.InRange(after.SupervisorMemory, 0, before.SupervisorMemory + MemorySlack);
        Assert.InRange(after.DaemonDescriptors, 0, before.DaemonDescriptors + DescriptorSlack);
        Assert.InRange(after.SupervisorDescriptors, 0, before.SupervisorDescriptors + DescriptorSlack);
    }

    /// <summary>Containers with the shortest interval that is allowed, until they have been probed so often together; each probe says so in a file that grows.</summary>
    private static async Task ProbesAsync(TestEngine engine, int wanted)
    {
        const int together = 8;
        string folder = engine.Path("probes-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(folder);
        var ids = new List<string>();
        for (int i = 0; i < together; i++)
        {
            var config = Api.Script("sleep 100000", new JsonObject { ["Binds"] = new JsonArray($"{folder}:/probes"), ["NetworkMode"] = "none" });
            config["Healthcheck"] = new JsonObject { ["Test"] = new JsonArray("CMD-SHELL", $"printf x >> /probes/{i}; echo probed"), ["Interval"] = 1_000_000, ["Timeout"] = 30_000_000_000 };
            ids.Add(await engine.RunAsync(config));
        }
        while (Directory.GetFiles(folder).Sum(f => new FileInfo(f).Length) < wanted) await Task.Delay(50);
        foreach (string id in ids) await Eventually.IsAsync(async () => (await engine.InspectAsync(id)).GetProperty("State").GetProperty("Health").GetProperty("Status").GetString() == "healthy");
        foreach (string id in ids) await engine.RemoveAsync(id);
    }

    private static async Task CyclesAsync(TestEngine engine, int cycles)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, cycles), new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (n, _) =>
        {
            bool killed = n % 4 == 0;
            string id = await engine.RunAsync(Api.Script(killed ? "echo here; sleep 1000" : "echo here; exit 3"));
            if (killed)
            {
                Assert.Equal((0, "in\n"), await engine.ExecAsync(id, "echo in"));
                while (await engine.LogsAsync(id) != "here\n") await Task.Delay(10, CancellationToken.None);
                Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/kill")).Status);
            }
            Assert.Equal(killed ? 137 : 3, await engine.WaitAsync(id));
            Assert.Equal("here\n", await engine.LogsAsync(id));
            await engine.RemoveAsync(id);
        });
    }
}
