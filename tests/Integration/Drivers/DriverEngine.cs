using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

/// <summary>Engines that know <c>gantry-runtime</c> as a runtime.</summary>
internal static class DriverEngine
{
    public const string GantryRuntime = "gantry-runtime";

    public static async Task<TestEngine> StartAsync()
    {
        // A build makes the link; a test's own build output has none yet.
        string link = Path.Combine(TestEngine.BinFolder, GantryRuntime);
        if (!File.Exists(link)) File.CreateSymbolicLink(link, "gantryd");
        var engine = await TestEngine.StartAsync("--add-runtime", $"{GantryRuntime}={link}");
        await engine.ImportBusyboxAsync();
        return engine;
    }
}

/// <summary>One engine for the suite.</summary>
public sealed class DriverFixture : IAsyncLifetime
{
    internal TestEngine Engine { get; private set; } = null!;

    public async Task InitializeAsync() => Engine = await DriverEngine.StartAsync();

    public async Task DisposeAsync() => await Engine.DisposeAsync();
}
