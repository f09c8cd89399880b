using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Settings;

/// <summary>The engine whose containers are looked into: a private one, or the dockerd that <c>GANTRY_TEST_DOCKER_HOST</c> names.</summary>
/// <remarks>
/// <c>GANTRY_TEST_DOCKER_HOST=unix:///srv/peer/run/docker.sock GANTRY_TEST_DOCKER_ROOT=/srv/peer dotnet test tests/Integration --filter Settings</c> runs the
/// same table against dockerd. The second variable says where on this machine the root of that engine's file system is.
/// </remarks>
public sealed class SettingsFixture : IAsyncLifetime
{
    private const string Prefix = "unix://";
    private readonly string? foreign = Environment.GetEnvironmentVariable("GANTRY_TEST_DOCKER_HOST");
    private string folder = "";

    internal TestEngine Engine { get; private set; } = null!;

    /// <summary>busybox under a name that only this test uses.</summary>
    public string Image { get; } = "settings-" + Guid.NewGuid().ToString("N")[..8];

    public bool IsForeign => !string.IsNullOrEmpty(foreign);

    /// <summary>A folder of the host with a file <c>f</c> and a folder <c>sub</c>, as the engine sees it.</summary>
    public string HostFolder { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Engine = IsForeign ? TestEngine.Foreign(foreign!.StartsWith(Prefix, StringComparison.Ordinal) ? foreign[Prefix.Length..] : foreign) : await TestEngine.StartAsync();
        string root = IsForeign ? Environment.GetEnvironmentVariable("GANTRY_TEST_DOCKER_ROOT") ?? "" : "";
        HostFolder = "/tmp/" + Image;
        folder = root + HostFolder;
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        await File.WriteAllTextAsync(Path.Combine(folder, "f"), "from the host\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "sub", "g"), "deeper\n");
        await Engine.ImportBusyboxAsync(Image);
    }

    public async Task DisposeAsync()
    {
        await Engine.DeleteAsync($"/images/{Image}?force=1");
        await Engine.DisposeAsync();
        CgroupFolders.RemoveUnused("gantry-settings-table");
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A create request: the settings, with <c>$HOST</c> for <see cref="HostFolder"/> and <c>$IMAGE</c> for the image, and a shell script as command.</summary>
    internal JsonObject Request(string settings, string script)
    {
        var request = JsonNode.Parse(settings.Replace("$HOST", HostFolder, StringComparison.Ordinal).Replace("$IMAGE", Image, StringComparison.Ordinal))!.AsObject();
        request["Image"] = Image;
        request.TryAdd("Cmd", new JsonArray("sh", "-c", script));
        return request;
    }

    /// <summary>Runs a container to its end.</summary>
    /// <returns>What it said, without the last newline; behind that a line for each warning of the creation.</returns>
    internal async Task<string> RunAsync(string settings, string script)
    {
        var request = Request(settings, script);
        var created = (await Engine.PostAsync("/containers/create", request)).Result;
        string id = created.GetProperty("Id").GetString()!;
        try
        {
            var started = await Engine.PostAsync($"/containers/{id}/start");
            Assert.True(started.Status == 204, $"{started.Status}: {started.Body}");
            await Engine.WaitAsync(id);
            string output = request["Tty"]?.GetValue<bool>() == true ? await Engine.RawLogsAsync(id) : await Engine.LogsAsync(id);
            string warnings = string.Concat(created.GetProperty("Warnings").EnumerateArray().Select(w => "\nwarning: " + w.GetString()));
            return output.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n') + warnings;
        }
        finally
        {
            await Engine.DeleteAsync($"/containers/{id}?force=1&v=1");
        }
    }

    /// <summary>Starts a container that sleeps.</summary>
    internal async Task<string> StartAsync(string settings) => await Engine.RunAsync(Request(settings, "trap 'exit 0' TERM; sleep 60 & wait"));

    /// <summary>The message with which the engine refuses to create or to start such a container.</summary>
    internal async Task<string> RefusalAsync(string settings)
    {
        var created = await Engine.PostAsync("/containers/create", Request(settings, "true"));
        if (created.Status != 201)
        {
            Assert.InRange(created.Status, 400, 500);
            return created.Message;
        }
        string id = created.Json.GetProperty("Id").GetString()!;
        try
        {
            var started = await Engine.PostAsync($"/containers/{id}/start");
            Assert.True(started.Status is >= 400 and <= 500, $"it started: {started.Status}");
            return started.Message;
        }
        finally
        {
            await Engine.DeleteAsync($"/containers/{id}?force=1&v=1");
        }
    }
}
