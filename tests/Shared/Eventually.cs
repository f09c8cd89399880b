namespace Gantry.Testing;

/// <summary>Waits for what the kernel or a daemon does in its own time and tells nobody.</summary>
internal static class Eventually
{
    public static Task IsAsync(Func<bool> condition) => IsAsync(() => Task.FromResult(condition()));

    public static async Task IsAsync(Func<Task<bool>> condition)
    {
        var limit = DateTime.UtcNow.AddSeconds(60);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < limit, "it did not become true within sixty seconds");
            await Task.Delay(5);
        }
    }
}
