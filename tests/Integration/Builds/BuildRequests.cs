using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Builds;

/// <summary>What tests ask of the builder.</summary>
internal static class BuildRequests
{
    public const string DefaultQuery = "networkmode=none";

    /// <summary>A context of small files with a Dockerfile.</summary>
    public static byte[] Context(string dockerfile, params (string Name, string Content)[] files) =>
        Archive([new("Dockerfile", dockerfile), .. files.Select(f => new ContextEntry(f.Name, f.Content))]);

    public static byte[] Archive(params ContextEntry[] entries)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var entry in entries) writer.WriteEntry(entry.ToTar());
        }
        return archive.ToArray();
    }

    public static Task<string> BuildAsync(this TestEngine engine, byte[] context, string query = DefaultQuery) =>
        BuiltImage.BuildAsync(engine.Http, context, query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => (p.Split('=', 2)[0], Uri.UnescapeDataString(p.Split('=', 2)[1]))));

    /// <summary>The id of a quiet build's image.</summary>
    public static async Task<string> BuildQuietlyAsync(this TestEngine engine, byte[] context, string query = DefaultQuery)
    {
        using var content = new ByteArrayContent(context);
        using var answer = await engine.Http.PostAsync($"/v1.51/build?q=1&{query}", content);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length == 1 && JsonNode.Parse(lines[0])!["stream"] is not null, text);
        string id = (string)JsonNode.Parse(lines[0])!["stream"]!;
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", id);
        return id.Trim();
    }

    /// <summary>A file of an image, by a container of it.</summary>
    public static async Task<string> ReadAsync(this TestEngine engine, string image, string script)
    {
        string id = await engine.RunAsync(new JsonObject { ["Image"] = image, ["Entrypoint"] = new JsonArray("sh", "-c"), ["Cmd"] = new JsonArray(script), ["HostConfig"] = new JsonObject { ["NetworkMode"] = "none" } });
        int code = await engine.WaitAsync(id);
        string output = await engine.LogsAsync(id);
        await engine.RemoveAsync(id);
        Assert.True(code == 0, output);
        return output;
    }

    public static string[] BuildFolders(this TestEngine engine) => Directory.GetFileSystemEntries(Path.Combine(engine.DataRoot, "builds"));

    public static async Task<int> CountContainersAsync(this TestEngine engine) => (await engine.GetAsync("/containers/json?all=1")).Result.GetArrayLength();
}

/// <summary>An entry of a context; hostile ones too.</summary>
internal sealed record ContextEntry(string Name, string? Content = null)
{
    public TarEntryType Type { get; init; } = TarEntryType.RegularFile;

    public string? Link { get; init; }

    public int Mode { get; init; } = 0x1a4;

    public DateTimeOffset Modified { get; init; } = DockerfileCase.Modified;

    public TarEntry ToTar()
    {
        var entry = new PaxTarEntry(Type, Name) { Mode = (UnixFileMode)Mode, ModificationTime = Modified };
        if (Link is not null) entry.LinkName = Link;
        if (Type == TarEntryType.CharacterDevice) (entry.DeviceMajor, entry.DeviceMinor) = (1, 3);
        if (Content is not null && Type == TarEntryType.RegularFile) entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(Content));
        return entry;
    }
}
