using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Layers;

namespace Gantry.Unit.Images;

public sealed class LoadTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    private static List<string?> Streams(ImageEngine.Answer answer) => [.. answer.Lines.Select(l => l.Stream)];

    [Fact]
    public async Task An_archive_of_docker_save_gives_its_image_under_its_name()
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image("x:1", One, Two);
        var answer = await engine.RunAsync("load", archive.Build());
        Assert.Equal(["Loaded image: x:1\n"], Streams(answer));
        Assert.Equal(archive.Id(), engine.Images.Resolve("x:1").Id);
    }

    [Fact]
    public async Task An_image_without_a_name_is_reported_by_its_id()
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image(null, One);
        Assert.Equal([$"Loaded image ID: {archive.Id()}\n"], Streams(await engine.RunAsync("load", archive.Build())));
    }

    [Fact]
    public async Task A_name_that_another_image_has_moves_and_the_answer_says_so()
    {
        await using var engine = await ImageEngine.StartAsync();
        string old = await engine.ImportAsync(Two, "x:1");
        var answer = await engine.RunAsync("load", new SavedArchive().Image("x:1", One).Build());
        Assert.Equal([$"The image x:1 already exists, renaming the old one with ID {old} to empty string\n", "Loaded image: x:1\n"], Streams(answer));
        Assert.Empty(engine.Images.Resolve(old).Names);
    }

    [Fact]
    public async Task Every_image_of_an_archive_is_loaded()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One).Image("y:1", One, Two).Build());
        Assert.Equal(2, engine.Images.Current.Count);
    }

    [Fact]
    public async Task One_layer_on_top_of_two_others_is_there_twice()
    {
        await using var engine = await ImageEngine.StartAsync();
        byte[] top = TarBuilder.Of(t => t.File("top", "t"));
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One, top).Image("y:1", Two, top).Build());
        foreach (string name in new[] { "x:1", "y:1" })
            Assert.Equal("t", await File.ReadAllTextAsync(Path.Combine(engine.Images.LayerDirectories(engine.Images.Resolve(name))[0], "top")));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task A_compressed_archive_is_loaded(string program)
    {
        await using var engine = await ImageEngine.StartAsync();
        Assert.Equal(["Loaded image: x:1\n"], Streams(await engine.RunAsync("load", Compressor.Run(program, new SavedArchive().Image("x:1", One).Build()))));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task Compressed_layers_are_named_by_what_they_hold(string program)
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image("x:1", [One, Two], [Compressor.Run(program, One), Compressor.Run(program, Two)]);
        await engine.RunAsync("load", archive.Build());
        Assert.Equal(SavedArchive.Hash(One), engine.Images.Resolve("x:1").Layers[0].Hex);
    }

    [Fact]
    public async Task An_archive_with_links_between_its_layers_is_loaded()
    {
        await using var engine = await ImageEngine.StartAsync();
        Assert.Equal(["Loaded image: x:1\n"], Streams(await engine.RunAsync("load", new SavedArchive().Image("x:1", One, Two).BuildOld())));
    }

    [Theory]
    [InlineData("io.containerd.image.name", "docker.io/library/x:1", "Loaded image: x:1\n")]
    [InlineData("org.opencontainers.image.ref.name", "localhost:5000/x:1", "Loaded image: localhost:5000/x:1\n")]
    [InlineData("org.opencontainers.image.ref.name", "1", null)]
    public async Task An_oci_layout_gives_its_image_the_annotated_name(string annotation, string value, string? expected)
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image("x", One, Two);
        var answer = await engine.RunAsync("load", archive.BuildOci(_ => new() { [annotation] = value }));
        Assert.Equal([expected ?? $"Loaded image ID: {archive.Id()}\n"], Streams(answer));
    }

    [Fact]
    public async Task Of_an_index_the_image_for_this_machine_is_taken()
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image(null, One);
        await engine.RunAsync("load", archive.BuildOci(nested: true));
        Assert.Equal(archive.Id(), engine.Images.Resolve(archive.Id()).Id);
    }

    [Fact]
    public async Task An_index_without_an_image_for_the_wanted_platform_is_refused()
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("load", new SavedArchive().Image(null, One).BuildOci(), ("platform", """{"os":"linux","architecture":"mips"}"""));
        Assert.Equal("no image for linux/mips is in the archive", error.Message);
    }

    [Fact]
    public async Task Progress_is_reported_when_it_is_asked_for()
    {
        await using var engine = await ImageEngine.StartAsync();
        var answer = await engine.RunAsync("load", new SavedArchive().Image("x:1", One).Build(), ("quiet", "0"));
        var line = answer.Lines[0];
        Assert.Equal(("Loading layer", SavedArchive.Hash(One)[..12], One.Length), (line.Status, line.Id, line.ProgressDetail!.Current));
    }

    [Fact]
    public async Task Each_image_is_told_of_once()
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image("x:1", One);
        await engine.RunAsync("load", archive.Build());
        Assert.Equal([$"image load {archive.Id()} name={archive.Id()},tag=x:1"], engine.Events.All);
    }

    [Fact]
    public async Task Loading_twice_changes_nothing()
    {
        await using var engine = await ImageEngine.StartAsync();
        byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
        await engine.RunAsync("load", archive);
        string[] before = [.. engine.LayerNames.Order(StringComparer.Ordinal)];
        await engine.RunAsync("load", archive);
        Assert.Equal(before, engine.LayerNames.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Errors_come_after_the_head_of_the_answer()
    {
        await using var engine = await ImageEngine.StartAsync();
        var output = new RecordedOutput();
        var job = engine.Engine.CreateJob(engine.Engine.Find("load")!, input: new MemoryStream("garbage"u8.ToArray()), output: output);
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.Engine.RunAsync(job, CommandArguments.None, CancellationToken.None));
        Assert.Equal((true, "unexpected EOF"), (output.HasStarted, error.Message));
    }

    private static async Task RefusedAsync(byte[] archive, string text, UnpackLimits? limits = null)
    {
        await using var engine = await ImageEngine.StartAsync(limits: limits);
        var error = await engine.FailAsync("load", archive);
        Assert.Equal(text, error.Message);
        Assert.Empty(engine.LayerNames.Concat(engine.BlobNames).Concat(Directory.GetFileSystemEntries(Path.Combine(engine.Root, "content/ingest"))));
    }

    [Fact]
    public Task An_archive_of_something_else_is_refused() =>
        RefusedAsync(TarBuilder.Of(t => t.File("readme", "x")), "invalid archive: it contains neither a manifest.json nor an index.json");

    [Fact]
    public Task Bytes_that_are_no_archive_are_refused() => RefusedAsync([.. Enumerable.Range(0, 3000).Select(i => (byte)(i * 31 + 7))], "archive/tar: invalid tar header");

    [Fact]
    public Task An_archive_that_ends_too_early_is_refused()
    {
        byte[] archive = new SavedArchive().Image("x:1", One).Build();
        return RefusedAsync(archive[..(archive.Length / 2)], "unexpected EOF");
    }

    [Fact]
    public Task A_compressed_archive_that_ends_too_early_is_refused()
    {
        byte[] archive = Compressor.Run("gzip", new SavedArchive().Image("x:1", One).Build());
        return RefusedAsync(archive[..(archive.Length / 2)], "unexpected EOF");
    }

    [Fact]
    public Task A_blob_with_another_digest_than_its_name_is_refused()
    {
        string name = SavedArchive.Hash(One);
        return RefusedAsync(TarBuilder.Of(t => t.File("blobs/sha256/" + name, Two)), $"invalid archive: the blob sha256:{name} has the digest sha256:{SavedArchive.Hash(Two)}");
    }

    [Fact]
    public Task A_layer_that_is_not_the_one_in_the_configuration_is_refused() => RefusedAsync(
        new SavedArchive().Image("x:1", [One], [Two]).Build(), $"invalid diffID for layer 0: expected \"sha256:{SavedArchive.Hash(One)}\", got \"sha256:{SavedArchive.Hash(Two)}\"");

    [Fact]
    public Task A_manifest_with_too_few_layers_is_refused() =>
        RefusedAsync(new SavedArchive().Image("x:1", [One, Two], [One]).Build(), "invalid manifest, layers length mismatch: expected 2, got 1");

    [Fact]
    public Task A_manifest_of_something_else_is_refused() => RefusedAsync(
        TarBuilder.Of(t => t.File("manifest.json", """[{"Config":"nosuch","Layers":[]}]""")), "invalid archive: nosuch is missing");

    [Theory]
    [InlineData("""[{"Config":"../../etc/passwd","Layers":[]}]""", "invalid archive: ../../etc/passwd is missing")]
    [InlineData("""[{"Config":"/etc/passwd","Layers":[]}]""", "invalid archive: /etc/passwd is missing")]
    public Task A_manifest_cannot_name_files_of_the_machine(string manifest, string text) => RefusedAsync(TarBuilder.Of(t => t.File("manifest.json", manifest)), text);

    [Fact]
    public Task A_tag_that_is_none_is_refused() => RefusedAsync(
        TarBuilder.Of(t => t.File("c", "{}").File("manifest.json", """[{"Config":"c","RepoTags":["BAD TAG"],"Layers":[]}]""")),
        "invalid tag \"BAD TAG\": invalid reference format: repository name (library/BAD TAG) must be lowercase");

    [Fact]
    public Task A_configuration_that_is_none_is_refused() => RefusedAsync(
        TarBuilder.Of(t => t.File("c", "{}").File("manifest.json", """[{"Config":"c","Layers":[]}]""")), "invalid image configuration: no rootfs key");

    [Fact]
    public Task A_name_that_leads_out_is_refused() => RefusedAsync(TarBuilder.Of(t => t.File("../manifest.json", "[]")), "invalid entry name \"../manifest.json\"");

    [Fact]
    public Task A_huge_manifest_is_refused_at_the_limit() => RefusedAsync(
        TarBuilder.Of(t => t.File("manifest.json", new string(' ', 5000) + "[]")), "manifest.json has 5002 bytes, more than 4096, the limit for documents", new UnpackLimits { DocumentBytes = 4096 });

    [Fact]
    public Task An_archive_of_too_many_entries_is_refused_at_the_limit() => RefusedAsync(
        TarBuilder.Of(t => Enumerable.Range(0, 11).ToList().ForEach(i => t.File("f" + i))), "the archive has more than 10 entries, the limit", new UnpackLimits { ArchiveEntries = 10 });

    [Fact]
    public Task A_circle_of_links_is_no_file() => RefusedAsync(
        TarBuilder.Of(t => t.SymbolicLink("a", "b").SymbolicLink("b", "a").File("manifest.json", """[{"Config":"a","Layers":[]}]""")), "invalid archive: a is missing");

    [Fact]
    public async Task A_windows_image_is_refused()
    {
        byte[] config = Encoding.UTF8.GetBytes("""{"os":"windows","rootfs":{"type":"layers"}}""");
        await RefusedAsync(TarBuilder.Of(t => t.File("c", config).File("manifest.json", """[{"Config":"c","Layers":[]}]""")), "cannot load windows image on linux");
    }

    [Fact]
    public async Task A_cancelled_load_leaves_nothing()
    {
        await using var engine = await ImageEngine.StartAsync();
        using var stop = new CancellationTokenSource();
        byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
        var stuck = new StuckStream(archive[..2048], stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.RunAsync("load", stuck, [], cancellation: stop.Token));
        Assert.Empty(engine.LayerNames.Concat(engine.BlobNames));
    }

    [Fact]
    public async Task A_layer_of_no_bytes_at_all_is_a_layer_without_files()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One, []).Build());
        Assert.Equal(2, engine.Images.Resolve("x:1").Layers.Count);
    }

    [Fact]
    public async Task Documents_with_anything_in_the_wrong_place_only_ever_give_a_refusal()
    {
        var random = new Random(11);
        string[] values = ["null", "1", "\"x\"", "[]", "{}", "[null]", "{\"a\":null}", "true", "-1e400", "\"sha256:00\""];
        await using var engine = await ImageEngine.StartAsync();
        string config = $$$"""{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z","author":"a","config":{"Cmd":["sh"],"Env":["A=b"],"Labels":{"a":"b"},"Volumes":{"/v":{}},"Healthcheck":{"Test":["NONE"]},"OnBuild":["RUN x"]},"rootfs":{"type":"layers","diff_ids":["sha256:{{{SavedArchive.Hash(One)}}}"]},"history":[{"created":"2024-01-02T03:04:05Z","created_by":"x"}]}""";
        const string Manifest = """[{"Config":"c","RepoTags":["x:1"],"Layers":["l"],"Parent":"p","LayerSources":{}}]""";
        int loaded = 0;
        for (int round = 0; round < 300; round++)
        {
            string badConfig = round % 2 == 0 ? Mutate(config, values, random) : config, badManifest = round % 2 == 1 ? Mutate(Manifest, values, random) : Manifest;
            try
            {
                await engine.RunAsync("load", TarBuilder.Of(t => t.File("l", One).File("c", badConfig).File("manifest.json", badManifest)));
                foreach (var image in engine.Images.Current.Images)
                {
                    _ = (await engine.RunAsync("image_inspect", ("name", image.Id))).Json;
                    _ = (await engine.RunAsync("history", ("name", image.Id))).Json;
                    await engine.RunAsync("image_delete", ("name", image.Id), ("force", "1"));
                    loaded++;
                }
                _ = (await engine.RunAsync("images")).Json;
            }
            catch (EngineException)
            {
                // Refused, as it should be where the document makes no sense.
            }
        }
        Assert.NotEqual(0, loaded);
    }

    /// <summary>Replaces one value of a document by something else.</summary>
    private static string Mutate(string json, string[] values, Random random)
    {
        var spans = new List<(int Start, int End)>();
        var reader = new System.Text.Json.Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        var open = new Stack<int>();
        while (reader.Read())
        {
            int start = (int)reader.TokenStartIndex;
            switch (reader.TokenType)
            {
                case System.Text.Json.JsonTokenType.StartArray or System.Text.Json.JsonTokenType.StartObject:
                    open.Push(start);
                    break;
                case System.Text.Json.JsonTokenType.EndArray or System.Text.Json.JsonTokenType.EndObject:
                    spans.Add((open.Pop(), (int)reader.BytesConsumed));
                    break;
                case not System.Text.Json.JsonTokenType.PropertyName:
                    spans.Add((start, (int)reader.BytesConsumed));
                    break;
            }
        }
        var (from, to) = spans[random.Next(spans.Count)];
        return json[..from] + values[random.Next(values.Length)] + json[to..];
    }

    /// <summary>Gives some bytes and then none, and cancels when it is asked for more.</summary>
    private sealed class StuckStream(byte[] data, CancellationTokenSource stop) : MemoryStream(data)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = Read(buffer.Span);
            if (read > 0) return read;
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
