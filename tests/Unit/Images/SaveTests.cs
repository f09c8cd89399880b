using System.Formats.Tar;
using System.Text;
using Gantry.Daemon.Engine;

namespace Gantry.Unit.Images;

public sealed class SaveTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    private static async Task<Dictionary<string, byte[]>> SaveAsync(ImageEngine engine, params string[] names)
    {
        var answer = await engine.RunAsync("image_export", [.. names.Select(n => ("names", n))]);
        var entries = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        await using var reader = new TarReader(new MemoryStream(answer.Output.Bytes));
        while (await reader.GetNextEntryAsync() is { } entry)
        {
            using var content = new MemoryStream();
            if (entry.DataStream is not null) await entry.DataStream.CopyToAsync(content);
            entries.Add(entry.Name, content.ToArray());
        }
        return entries;
    }

    private static async Task<string> TagsAsync(ImageEngine engine, params string[] names)
    {
        var manifest = System.Text.Json.JsonDocument.Parse((await SaveAsync(engine, names))["manifest.json"]).RootElement;
        return string.Join('|', manifest.EnumerateArray().Select(i => i.GetProperty("RepoTags") is { ValueKind: System.Text.Json.JsonValueKind.Array } tags
            ? string.Join(' ', tags.EnumerateArray().Select(t => t.GetString())) : "null"));
    }

    [Fact]
    public async Task The_archive_has_the_files_of_the_recording()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x");
        var names = (await SaveAsync(engine, "x")).Keys.ToList();
        Assert.Equal(["blobs/", "blobs/sha256/"], names.Take(2));
        Assert.Equal(["index.json", "manifest.json", "oci-layout", "repositories"], names.TakeLast(4));
        Assert.Contains("blobs/sha256/" + id["sha256:".Length..], names);
        Assert.Contains("blobs/sha256/" + SavedArchive.Hash(One), names);
    }

    [Fact]
    public async Task Every_blob_has_the_digest_that_is_its_name()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One, Two).Build());
        foreach (var (name, content) in (await SaveAsync(engine, "x:1")).Where(e => e.Key.StartsWith("blobs/sha256/", StringComparison.Ordinal) && e.Value.Length > 0))
            Assert.Equal(name["blobs/sha256/".Length..], SavedArchive.Hash(content));
    }

    [Fact]
    public async Task Repositories_names_the_topmost_layer()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One, Two).Build());
        Assert.Equal($$$"""{"x":{"1":"{{{SavedArchive.Hash(Two)}}}"}}""" + "\n", Encoding.UTF8.GetString((await SaveAsync(engine, "x:1"))["repositories"]));
    }

    [Fact]
    public async Task A_repository_without_a_tag_means_all_its_tags()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x:2");
        await engine.RunAsync("tag", ("name", "x:2"), ("repo", "x:1"));
        Assert.Equal("x:1 x:2", await TagsAsync(engine, "x"));
    }

    [Fact]
    public async Task An_image_saved_by_its_id_has_no_names()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x");
        Assert.Equal("null", await TagsAsync(engine, id));
        Assert.DoesNotContain("repositories", (await SaveAsync(engine, id)).Keys);
    }

    [Fact]
    public async Task Several_images_keep_the_order_in_which_they_were_named()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "a");
        await engine.ImportAsync(Two, "b");
        await engine.RunAsync("tag", ("name", "a"), ("repo", "c"));
        Assert.Equal("b:latest|c:latest a:latest", await TagsAsync(engine, "b", "c", "a"));
    }

    [Fact]
    public async Task What_was_saved_is_loaded_as_the_same_image()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x", "ENV A=b");
        byte[] saved = (await engine.RunAsync("image_export", ("names", "x"))).Output.Bytes;
        await using var other = await ImageEngine.StartAsync();
        await other.RunAsync("load", saved);
        Assert.Equal(id, other.Images.Resolve("x").Id);
    }

    [Theory]
    [InlineData("nosuch", 404, "No such image: nosuch")]
    [InlineData("nosuch:1", 404, "reference does not exist")]
    [InlineData("sha256:abc", 404, "No such image: sha256:abc")]
    [InlineData("NOSUCH", 400, "invalid reference format: repository name (library/NOSUCH) must be lowercase")]
    public async Task An_image_that_is_not_there_is_reported_before_the_first_byte(string name, int status, string message)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        var error = await engine.FailAsync("image_export", ("names", "x"), ("names", name));
        Assert.Equal((status, message), ((int)error.Kind, error.Message));
    }

    [Fact]
    public async Task The_answer_is_a_tar_archive()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        Assert.Equal("application/x-tar", (await engine.RunAsync("image_export", ("names", "x"))).Output.ContentType);
    }

    [NeedsFact("skopeo")]
    public async Task Skopeo_reads_what_was_saved_and_what_it_writes_is_loaded()
    {
        await using var engine = await ImageEngine.StartAsync();
        using var scratch = new TemporaryDirectory();
        var archive = new SavedArchive().Image("x:1", One, Two);
        await engine.RunAsync("load", archive.Build());
        await File.WriteAllBytesAsync(scratch["saved.tar"], (await engine.RunAsync("image_export", ("names", "x:1"))).Output.Bytes);
        foreach (string form in new[] { "docker-archive", "oci-archive" })
        {
            Programs.Run("skopeo", ["copy", "-q", "--insecure-policy", $"docker-archive:{scratch["saved.tar"]}:x:1", $"{form}:{scratch[form]}:docker.io/library/y:2"]);
            await using var other = await ImageEngine.StartAsync();
            await other.RunAsync("load", await File.ReadAllBytesAsync(scratch[form]));
            Assert.Equal(engine.Images.Resolve("x:1").Layers, other.Images.Resolve("y:2").Layers);   // skopeo writes configurations anew
        }
    }
}
