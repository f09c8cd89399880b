using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

public sealed class InspectTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1"));

    private static async Task<JsonElement> InspectAsync(string version)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x", "LABEL a=b");
        return JsonDocument.Parse((await engine.RunAsync("image_inspect", Stream.Null, [("name", "x")], version)).Json).RootElement.Clone();
    }

    private static List<string> Names(JsonElement element) => [.. element.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];

    // The field names are those of golden 019 and 020.
    private static readonly string[] Short = ["Cmd", "Entrypoint", "Env", "Labels", "OnBuild", "User", "Volumes", "WorkingDir"];

    private static readonly string[] Long =
    [
        "AttachStderr", "AttachStdin", "AttachStdout", "Cmd", "Domainname", "Entrypoint", "Env", "Hostname", "Image", "Labels", "OnBuild", "OpenStdin", "StdinOnce", "Tty", "User",
        "Volumes", "WorkingDir",
    ];

    private static readonly string[] Top =
    [
        "Architecture", "Author", "Comment", "Config", "Created", "DockerVersion", "GraphDriver", "Id", "Metadata", "Os", "Parent", "RepoDigests", "RepoTags", "RootFS", "Size",
    ];

    [Fact]
    public async Task It_has_the_fields_of_the_recording() => Assert.Equal((string.Join(' ', Top), string.Join(' ', Short)), Fields(await InspectAsync("1.51")));

    [Fact]
    public async Task Before_1_50_the_configuration_is_longer() => Assert.Equal((string.Join(' ', Top), string.Join(' ', Long)), Fields(await InspectAsync("1.49")));

    [Fact]
    public async Task Before_1_45_the_container_s_configuration_is_there() =>
        Assert.Equal(string.Join(' ', Top.Concat(["Container", "ContainerConfig"]).Order(StringComparer.Ordinal)), Fields(await InspectAsync("1.44")).Item1);

    [Fact]
    public async Task Before_1_44_there_is_a_virtual_size() =>
        Assert.Equal(string.Join(' ', Top.Concat(["Container", "ContainerConfig", "VirtualSize"]).Order(StringComparer.Ordinal)), Fields(await InspectAsync("1.43")).Item1);

    private static (string, string) Fields(JsonElement inspect) => (string.Join(' ', Names(inspect)), string.Join(' ', Names(inspect.GetProperty("Config"))));

    [Fact]
    public async Task The_time_of_making_keeps_its_nanoseconds()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One).Build());
        Assert.Equal("2024-01-02T03:04:05.678901234Z", (await engine.RunAsync("image_inspect", ("name", "x:1"))).Body<ImageInspect>().Created);
    }

    [Fact]
    public async Task An_image_for_another_platform_than_the_wanted_is_not_found()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "gt/lab:1");
        var error = await engine.FailAsync("image_inspect", ("name", "gt/lab:1"), ("platform", """{"os":"linux","architecture":"arm64"}"""));
        Assert.Equal((ErrorKind.NotFound, "image with reference gt/lab:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)"), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData("image_inspect", "nosuch", 404, "No such image: nosuch:latest")]
    [InlineData("image_inspect", "NOSUCH", 400, "invalid reference format: repository name (library/NOSUCH) must be lowercase")]
    [InlineData("history", "nosuch:1", 404, "No such image: nosuch:1")]
    [InlineData("image_get", "nosuch", 404, "No such image: nosuch:latest")]
    [InlineData("image_tarlayer", "nosuch", 404, "No such image: nosuch:latest")]
    [InlineData("image_delete", "nosuch:9", 404, "No such image: nosuch:9")]
    public async Task An_image_that_is_not_there_is_reported(string command, string name, int status, string message)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync(command, ("name", name));
        Assert.Equal((status, message), ((int)error.Kind, error.Message));
    }

    [Fact]
    public async Task History_of_an_import_is_one_line_with_its_names()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x");
        var line = (await engine.RunAsync("history", ("name", "x"))).Body<List<ImageHistoryItem>>().Single();
        Assert.Equal((id, "Imported from -", 1L, "x:latest"), (line.Id, line.Comment, line.Size, line.Tags!.Single()));
    }

    [Fact]
    public async Task Steps_of_a_loaded_image_are_missing_but_for_the_newest()
    {
        await using var engine = await ImageEngine.StartAsync();
        string configuration = """{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:DIFF"]},"history":[{"created_by":"one"},{"created_by":"two","empty_layer":true}]}""";
        byte[] config = System.Text.Encoding.UTF8.GetBytes(configuration.Replace("DIFF", SavedArchive.Hash(One), StringComparison.Ordinal));
        await engine.RunAsync("load", TarBuilder.Of(t => t.File("l", One).File("c", config).File("manifest.json", """[{"Config":"c","RepoTags":["x:1"],"Layers":["l"]}]""")));
        var history = (await engine.RunAsync("history", ("name", "x:1"))).Body<List<ImageHistoryItem>>();
        Assert.Equal([("two", 0L, false), ("one", 1L, true)], history.Select(h => (h.CreatedBy, h.Size, h.Id == "<missing>")));
    }
}
