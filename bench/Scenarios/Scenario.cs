using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>One thing that is measured.</summary>
internal abstract class Scenario(string name, bool onlyWhenNamed = false)
{
    public static readonly IReadOnlyList<Scenario> All =
    [
        new StartToExit(), new Throughput(), new DaemonStart(), new IdleMemory(), new RunningMemory(), new ExecLatency(), new LogRates(), new OneShotStats(),
        new ImageLoad(), new ImagePull(), new CopyFiles(), new ManyLayers(), new BareRuntimes(), new ThousandContainers(),
    ];

    public string Name { get; } = name;

    /// <summary>Too long or too large to run unasked.</summary>
    public bool OnlyWhenNamed { get; } = onlyWhenNamed;

    public abstract Task RunAsync(Contest<BenchEngine> contest, Report report);
}
