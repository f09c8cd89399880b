namespace Gantry.Integration.Harness;

/// <summary>One engine for all tests of a class.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    internal TestEngine Engine { get; private set; } = null!;

    public async Task InitializeAsync() => Engine = await TestEngine.StartAsync();

    public async Task DisposeAsync() => await Engine.DisposeAsync();
}
