using System.Runtime.InteropServices;
using Gantry.Bench;
using Gantry.Bench.Engines;
using Gantry.Bench.Scenarios;

// bench [SCENARIO…]: measures Gantry, and its peers in the same run where they can be started; see README.md beside this file.
var chosen = Scenario.All.Where(s => args.Length == 0 ? !s.OnlyWhenNamed : args.Any(a => s.Name.StartsWith(a, StringComparison.Ordinal))).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine("bench: no such scenario; there are " + string.Join(", ", Scenario.All.Select(s => s.Name)));
    return 2;
}
if (!Environment.IsPrivilegedProcess)
{
    Console.Error.WriteLine("bench: engines need root");
    return 2;
}

var report = new Report();
await using var gantry = BenchEngine.Gantry();
await using var dockerd = BenchEngine.Dockerd();
await using var podman = BenchEngine.Podman();
BenchEngine[] engines = [gantry, .. new[] { dockerd, podman }.OfType<BenchEngine>()];
if (dockerd is null) Console.WriteLine("no comparison with dockerd: it is not here (GANTRY_BENCH_DOCKERD)");
if (podman is null) Console.WriteLine("no comparison with podman: it is not here (GANTRY_BENCH_PODMAN)");
Console.WriteLine($"{Environment.ProcessorCount} processors, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}; \"times\": how many times better Gantry is, below 1 the peer is better");
// Whoever breaks it off finds the machine as it was, too.
bool brokenOff = false;
void BreakOff(PosixSignalContext signal)
{
    signal.Cancel = true;
    Volatile.Write(ref brokenOff, true);
    BareRuntimes.RemoveTraces();
    foreach (var engine in engines) engine.DisposeAsync().AsTask().GetAwaiter().GetResult();
    Environment.Exit(128 + (signal.Signal == PosixSignal.SIGINT ? 2 : 15));
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, BreakOff);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, BreakOff);

foreach (var scenario in chosen)
{
    if (Volatile.Read(ref brokenOff)) await Task.Delay(Timeout.Infinite);   // nothing is to be started again
    try
    {
        await scenario.RunAsync(new Contest<BenchEngine>(scenario.Name, engines, report), report);
    }
    catch (Exception e) when (!Volatile.Read(ref brokenOff) && e is HttpRequestException or EngineAnswerException or IOException or InvalidOperationException or OperationCanceledException)
    {
        report.Failed(scenario.Name, e.Message);
    }
    catch when (Volatile.Read(ref brokenOff))
    {
        // The engines are being ended.
    }
}
Console.WriteLine($"load average at the end {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");
return report.AnyFailed ? 1 : 0;
