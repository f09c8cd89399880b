using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Registries;
using Gantry.Unit.Registries;

namespace Gantry.Unit.Images;

/// <summary>Pulls from a scripted registry: the lines, texts and codes are those of dockerd 28.5 with the same answers (golden 144–148).</summary>
public sealed class PullTests : IAsyncLifetime
{
    private static readonly byte[] One = Layer("one"), Two = Layer("two"), Three = Layer("three");

    private readonly ScriptedRegistry registry = new();
    private readonly RemoteImage image = new();
    private ImageEngine engine = null!;

    /// <summary>An archive that gzip cannot make small: 300 kB.</summary>
    private static byte[] Layer(string name)
    {
        byte[] content = new byte[300_000];
        new Random(name.GetHashCode(StringComparison.Ordinal)).NextBytes(content);
        return TarBuilder.Of(t => t.File(name, content));
    }

    public async Task InitializeAsync()
    {
        registry.Answer = image.Serve;
        engine = await ImageEngine.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await engine.DisposeAsync();
        registry.Dispose();
    }

    private string Repository => $"{registry.Host}/team/app";

    private Task<ImageEngine.Answer> PullAsync(string tag = "1", params (string, string)[] more) => engine.RunAsync("pull", [("fromImage", Repository), ("tag", tag), .. more]);

    private async Task<EngineException> FailAsync(string tag = "1", params (string, string)[] more)
    {
        var error = await engine.FailAsync("pull", [("fromImage", Repository), ("tag", tag), .. more]);
        Assert.Empty(engine.LayerNames);
        Assert.Empty(engine.BlobNames);
        Assert.Equal(0, engine.Images.Current.Count);
        return error;
    }

    private Task<ImageEngine.Answer> PullAsync(RecordedOutput output, CancellationToken cancellation = default) =>
        engine.RunAsync("pull", Stream.Null, [("fromImage", Repository), ("tag", "1")], cancellation: cancellation, output: output);

    /// <summary>Whether a pull has come as far as a layer's download.</summary>
    private static bool HasReached(RecordedOutput output, string layer) => new ImageEngine.Answer(null!, output).Lines.Exists(l => l.Status == "Pulling fs layer" && l.Id == layer[7..19]);

    private IEnumerable<Request> BlobRequests(string digest) => registry.Requests.Where(r => r.Path.EndsWith("/blobs/" + digest, StringComparison.Ordinal));

    /// <summary>The steps of the stream, without numbers.</summary>
    private static IEnumerable<string> Steps(ImageEngine.Answer answer) =>
        answer.Lines.Where(l => l.ProgressDetail is null or { Total: 0 }).Select(l => l.Id is null ? l.Status! : $"{l.Id}: {l.Status}");

    [Fact]
    public async Task An_image_comes_in_with_its_names_and_the_lines_that_dockerd_writes()
    {
        image.Add("1", [One, Two]);
        var answer = await PullAsync();
        var pulled = engine.Images.Resolve(Repository + ":1");
        Assert.Equal(image.ConfigDigest, pulled.Id);
        Assert.Equal([$"{Repository}:1", $"{Repository}@{image.ManifestDigest}"], pulled.Names.Select(n => n.Familiar));
        string one = image.Layers[0][7..19], two = image.Layers[1][7..19];
        var steps = Steps(answer).ToList();
        Assert.Equal(["1: Pulling from team/app", $"{one}: Pulling fs layer", $"{two}: Pulling fs layer"], steps[..3]);
        Assert.Equal(
            [$"{one}: Pull complete", $"{two}: Pull complete", $"Digest: {image.ManifestDigest}", $"Status: Downloaded newer image for {Repository}:1"], steps[^4..]);
        Assert.Equal(["Verifying Checksum", "Download complete", "Pull complete"], steps.Where(s => s.StartsWith(two, StringComparison.Ordinal)).Select(s => s[14..]).Skip(1));
        Assert.Contains(answer.Lines, l => l.Status == "Extracting" && l.Progress!.StartsWith("[==================================================>] ", StringComparison.Ordinal));
        Assert.Equal([$"image pull {Repository}:1 from=1,name={Repository}"], engine.Events.All);
    }

    [Fact]
    public async Task What_is_here_already_is_not_fetched_again()
    {
        image.Add("1", [One, Two]);
        await PullAsync();
        Assert.Equal(["1: Pulling from team/app", $"Digest: {image.ManifestDigest}", $"Status: Image is up to date for {Repository}:1"], Steps(await PullAsync()));
        image.Add("2", [One, Three]);
        var steps = Steps(await PullAsync("2")).ToList();
        Assert.Equal($"{image.Layers[0][7..19]}: Already exists", steps[1]);
        Assert.Single(BlobRequests(image.Layers[0]));
        Assert.Equal(3, engine.LayerNames.Count());
    }

    [Fact]
    public async Task The_same_archive_on_top_of_other_layers_is_made_from_the_first()
    {
        image.Add("1", [One, Two]);
        await PullAsync();
        image.Add("2", [Three, Two]);
        await PullAsync("2");
        Assert.Single(BlobRequests(image.Layers[1]));
        image.Add("3", [Two, Two]);
        await PullAsync("3");
        Assert.Equal(2, engine.Images.Resolve(Repository + ":3").Layers.Count);
    }

    [Fact]
    public async Task An_image_that_has_one_layer_twice_is_pulled_whole()
    {
        image.Add("1", [One, One, Two]);
        await PullAsync();
        Assert.Equal(3, engine.Images.Resolve(Repository + ":1").Layers.Count);
        Assert.Single(BlobRequests(image.Layers[0]));
    }

    [Fact]
    public async Task A_digest_is_pulled_without_a_tag()
    {
        image.Add("1", [One]);
        var answer = await engine.RunAsync("pull", ("fromImage", $"{Repository}@{image.ManifestDigest}"));
        Assert.Equal($"{Repository}@{image.ManifestDigest}: Pulling from team/app", Steps(answer).First());
        Assert.Equal([$"{Repository}@{image.ManifestDigest}"], engine.Images.Current.Images.Single().Names.Select(n => n.Familiar));
        Assert.DoesNotContain(registry.Requests, r => r.Method == "HEAD");
    }

    [Fact]
    public async Task Without_a_tag_all_tags_come()
    {
        image.Add("1", [One]).Add("2", [One, Two]);
        var answer = await engine.RunAsync("pull", ("fromImage", Repository));
        Assert.Equal($"Status: Downloaded newer image for {Repository}", Steps(answer).Last());
        Assert.Equal([$"{Repository}:1", $"{Repository}:2"], engine.Images.Current.Images.SelectMany(i => i.Tags).Select(t => t.Familiar).Order());
    }

    [Theory]
    [InlineData("", "amd64")]
    [InlineData("linux/arm64", "arm64")]
    [InlineData("linux/arm64/v8", "arm64")]
    [InlineData("linux/arm/v8", "arm")]
    public async Task Of_an_index_the_image_for_the_platform_is_taken(string platform, string architecture)
    {
        string Entry(string architecture, string variant)
        {
            image.Add(architecture, [Layer(architecture)], architecture);
            string platform = variant.Length > 0 ? $", \"variant\": \"{variant}\"" : "";
            return $$$"""{"mediaType": "{{{RemoteImage.DockerManifest}}}", "digest": "{{{image.ManifestDigest}}}", "size": 1, "platform": {"os": "linux", "architecture": "{{{architecture}}}"{{{platform}}}}}""";
        }
        string index = image.AddManifest("1", RemoteImage.DockerList,
            $$"""{"schemaVersion": 2, "mediaType": "{{RemoteImage.DockerList}}", "manifests": [{{Entry("arm", "v7")}}, {{Entry("arm64", "v8")}}, {{Entry("amd64", "")}}]}""");
        await PullAsync("1", ("platform", platform));
        var pulled = engine.Images.Current.Images.Single();
        Assert.Equal(architecture, pulled.Architecture);
        Assert.Contains($"{Repository}@{index}", pulled.Names.Select(n => n.Familiar));
        var error = await engine.FailAsync("pull", ("fromImage", Repository), ("tag", "1"), ("platform", "linux/s390x"));
        Assert.Equal("no matching manifest for linux/s390x in the manifest list entries", error.Message);
    }

    [Fact]
    public async Task An_image_for_another_platform_than_was_asked_for_is_warned_of()
    {
        image.Add("1", [One], "arm64");
        var answer = await PullAsync("1", ("platform", "linux/amd64"));
        Assert.Equal($"WARNING: image with reference {Repository}:1 was found but its platform (linux/arm64) does not match the specified platform (linux/amd64)", Steps(answer).Last());
    }

    [Fact]
    public async Task Layers_of_zstd_and_of_nothing_are_taken()
    {
        image.Add("1", [One], configType: "application/vnd.oci.image.config.v1+json", layerType: "application/vnd.oci.image.layer.v1.tar+zstd", compress: data => Compressor.Run("zstd", data));
        await PullAsync();
        image.Add("2", [Two], layerType: "application/vnd.oci.image.layer.v1.tar", compress: data => data);
        await PullAsync("2");
        Assert.Equal(2, engine.LayerNames.Count());
    }

    [Fact]
    public async Task An_image_without_layers_is_an_image_too()
    {
        image.Add("1", []);
        var answer = await PullAsync();
        Assert.Equal(["1: Pulling from team/app", $"Digest: {image.ManifestDigest}", $"Status: Downloaded newer image for {Repository}:1"], Steps(answer));
        Assert.Empty(engine.Images.Resolve(Repository + ":1").Layers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public async Task Bytes_that_were_changed_are_refused_and_leave_nothing(int position)
    {
        image.Add("1", [One, Two]);
        byte[] flipped = [.. image.Blobs[image.Layers[1]]];
        flipped[position] ^= 1;
        image.Blobs[image.Layers[1]] = flipped;
        Assert.Equal($"filesystem layer verification failed for digest {image.Layers[1]}", (await FailAsync()).Message);
        Assert.Equal(2, BlobRequests(image.Layers[1]).Count());   // once more, for it might have been the way here
    }

    [Fact]
    public async Task Bytes_that_were_changed_on_the_way_alone_are_fetched_once_more()
    {
        image.Add("1", [One]);
        registry.Answer = r =>
        {
            var answer = image.Serve(r);
            if (!r.Path.EndsWith(image.Layers[0], StringComparison.Ordinal) || BlobRequests(image.Layers[0]).Count() > 1) return answer;
            byte[] flipped = [.. answer.Body];
            flipped[5000] ^= 4;
            return answer with { Body = flipped };
        };
        await PullAsync();
        Assert.Single(engine.LayerNames);
    }

    [Fact]
    public async Task A_download_that_is_cut_off_goes_on_where_it_stopped()
    {
        image.Add("1", [One]);
        registry.Answer = r =>
        {
            var answer = image.Serve(r);
            return r.Path.EndsWith(image.Layers[0], StringComparison.Ordinal) && r.Offset < 200_000 ? answer with { Sent = 70_000 } : answer;
        };
        await PullAsync();
        Assert.Equal([0, 70_000, 140_000, 210_000], BlobRequests(image.Layers[0]).Select(r => r.Offset));
    }

    [Fact]
    public async Task A_registry_without_ranges_is_read_from_the_beginning_again()
    {
        image.Add("1", [One]);
        registry.Answer = r =>
        {
            var answer = image.Serve(r with { Headers = new Dictionary<string, string>() });
            return r.Path.EndsWith(image.Layers[0], StringComparison.Ordinal) && r.Offset == 0 ? answer with { Sent = 70_000 } : answer;
        };
        await PullAsync();
        Assert.Single(engine.LayerNames);
    }

    [Fact]
    public async Task A_registry_that_is_away_for_a_moment_is_waited_for()
    {
        image.Add("1", [One]);
        int failures = 0;
        registry.Answer = r => r.Path.Contains("/blobs/", StringComparison.Ordinal) && failures++ % 3 < 2 ? new(503, "starting") : image.Serve(r);
        await PullAsync();
        Assert.Single(engine.LayerNames);
    }

    [Fact]
    public async Task A_body_that_never_gets_on_is_given_up()
    {
        image.Add("1", [One]);
        registry.Answer = r => r.Path.EndsWith(image.Layers[0], StringComparison.Ordinal) ? image.Serve(r) with { Sent = 0 } : image.Serve(r);
        Assert.Equal("unexpected EOF", (await FailAsync()).Message);
        Assert.Equal(3, BlobRequests(image.Layers[0]).Count());
    }

    [Fact]
    public async Task A_blob_that_is_missing_is_not_waited_for()
    {
        image.Add("1", [One]);
        image.Blobs.Remove(image.Layers[0]);
        Assert.Equal("blob unknown: blob unknown to registry", (await FailAsync()).Message);
        Assert.Single(BlobRequests(image.Layers[0]));
    }

    [Fact]
    public async Task Those_who_pull_one_image_at_the_same_time_share_its_downloads()
    {
        image.Add("1", [One, Two]);
        var gate = new TaskCompletionSource();
        registry.Answer = r => r.Path.Contains("/blobs/", StringComparison.Ordinal) && !r.Path.EndsWith(image.ConfigDigest, StringComparison.Ordinal) ? image.Serve(r) with { Hold = gate.Task } : image.Serve(r);
        var outputs = Enumerable.Range(0, 4).Select(_ => new RecordedOutput()).ToList();
        var pulls = outputs.Select(o => PullAsync(o)).ToList();
        await Eventually.IsAsync(() => outputs.TrueForAll(o => HasReached(o, image.Layers[1])) && BlobRequests(image.Layers[1]).Any());
        await Task.Delay(100);   // all four have joined; whoever had not would show below, as one more request
        gate.SetResult();
        foreach (var answer in await Task.WhenAll(pulls)) Assert.Contains($"{image.Layers[1][7..19]}: Pull complete", Steps(answer));
        Assert.Single(BlobRequests(image.Layers[0]));
        Assert.Single(BlobRequests(image.Layers[1]));
        Assert.Single(engine.Images.Current.Images);
    }

    [Fact]
    public async Task Pulls_and_deletes_of_one_image_at_the_same_time_do_not_get_into_each_others_way()
    {
        image.Add("1", [TarBuilder.Of(t => t.File("a", "a")), TarBuilder.Of(t => t.File("b", "b")), TarBuilder.Of(t => t.File("c", "c"))]);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 15; i++)
            {
                await PullAsync();
                try
                {
                    await engine.RunAsync("image_delete", ("name", Repository + ":1"), ("force", "1"));
                }
                catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
                {
                    // Another was faster.
                }
            }
        })));
        foreach (var left in engine.Images.Current.Images) await engine.RunAsync("image_delete", ("name", left.Id), ("force", "1"));
        Assert.Empty(engine.LayerNames);
    }

    [Fact]
    public async Task The_last_who_leaves_ends_the_download_and_nothing_is_left_of_it()
    {
        image.Add("1", [One]);
        var gate = new TaskCompletionSource();
        registry.Answer = r => r.Path.EndsWith(image.Layers[0], StringComparison.Ordinal) ? image.Serve(r) with { Hold = gate.Task } : image.Serve(r);
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var outputs = new List<RecordedOutput> { new(), new() };
        var one = PullAsync(outputs[0], first.Token);
        var two = PullAsync(outputs[1], second.Token);
        await Eventually.IsAsync(() => outputs.TrueForAll(o => HasReached(o, image.Layers[0])) && BlobRequests(image.Layers[0]).Any());
        await Task.Delay(100);   // both have joined
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        Assert.NotEmpty(engine.LayerNames);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => two);
        Assert.Empty(engine.LayerNames);
        gate.SetResult();
        await PullAsync();
        Assert.Single(engine.LayerNames);
    }

    [Fact]
    public async Task No_more_layers_come_at_a_time_than_are_allowed()
    {
        await engine.DisposeAsync();
        engine = await ImageEngine.StartAsync(downloads: 2);
        image.Add("1", [One, Two, Three, Layer("four")]);
        int now = 0, most = 0;
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async Task HoldAsync()
        {
            await Task.WhenAny(both.Task, Task.Delay(TimeSpan.FromSeconds(20)));
            await Task.Delay(50);   // a third would come now
            lock (image) now--;
        }
        registry.Answer = r =>
        {
            if (!image.Layers.Exists(l => r.Path.EndsWith(l, StringComparison.Ordinal))) return image.Serve(r);
            lock (image)
            {
                most = Math.Max(most, ++now);
                if (now == 2) both.TrySetResult();
            }
            return image.Serve(r) with { Hold = HoldAsync() };
        };
        var answer = await PullAsync();
        Assert.Equal(2, most);
        Assert.Equal(2, Steps(answer).Count(s => s.EndsWith("Waiting", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Layers_that_the_configuration_does_not_name_are_refused()
    {
        image.Add("1", [One], diffs: [RemoteImage.DigestOf(Two)]);
        Assert.Equal("layers from manifest don't match image configuration", (await FailAsync()).Message);
        image.Add("1", [One], diffs: [RemoteImage.DigestOf(One), RemoteImage.DigestOf(Two)]);
        Assert.Equal("layers from manifest don't match image configuration", (await FailAsync()).Message);
    }

    [Fact]
    public async Task A_configuration_that_was_changed_is_refused()
    {
        image.Add("1", [One]);
        image.Blobs[image.ConfigDigest] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(image.Blobs[image.ConfigDigest]).Replace("amd64", "amd65", StringComparison.Ordinal));
        Assert.Equal($"image config verification failed for digest {image.ConfigDigest}", (await FailAsync()).Message);
    }

    [Fact]
    public async Task A_manifest_that_is_another_than_the_tag_says_is_refused()
    {
        image.Add("1", [One]);
        string digest = image.ManifestDigest;
        image.Manifests[digest] = (RemoteImage.DockerManifest, Encoding.UTF8.GetBytes("{}"));
        Assert.Equal($"manifest verification failed for digest {digest}", (await FailAsync()).Message);
    }

    [Fact]
    public async Task A_manifest_of_many_megabytes_is_refused_by_its_size()
    {
        image.AddManifest("1", RemoteImage.DockerManifest, "{" + new string(' ', RemoteRepository.LargestManifest) + "}");
        Assert.EndsWith("is larger than 4194304 bytes, the limit", (await FailAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_of_other_kinds_are_refused_before_anything_is_said()
    {
        image.Add("1", [One], os: "windows");
        Assert.Equal("image operating system \"windows\" cannot be used on this platform: operating system is not supported", (await FailAsync()).Message);
        image.Add("1", [One], configType: "application/vnd.acme.rocket.config");
        var unknown = await FailAsync();
        Assert.Equal((ErrorKind.InvalidParameter, "Encountered remote \"application/vnd.acme.rocket.config\"(unknown) when fetching"), (unknown.Kind, unknown.Message));
        image.Add("1", [One], layerType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
        Assert.Contains("is a foreign layer", (await FailAsync()).Message, StringComparison.Ordinal);
        image.AddManifest("1", "application/vnd.docker.distribution.manifest.v1+prettyjws", """{"schemaVersion": 1, "fsLayers": []}""");
        Assert.StartsWith("Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed.", (await FailAsync()).Message, StringComparison.Ordinal);
        image.AddManifest("1", RemoteImage.DockerManifest, """{"schemaVersion": 2}""");
        Assert.Equal($"mediaType in manifest should be '{RemoteImage.DockerManifest}' not ''", (await FailAsync()).Message);
        image.AddManifest("1", "text/html", "<html>");
        Assert.Equal("error unmarshalling content: invalid character '<' looking for beginning of value", (await FailAsync()).Message);
    }

    [Theory]
    [InlineData(404, """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}""", 404, "manifest for {0}:1 not found: manifest unknown: manifest unknown")]
    [InlineData(404, """{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}""", 404, "repository {0} not found: name unknown: repository name not known to registry")]
    [InlineData(403, """{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}""", 404,
        "pull access denied for {0}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied")]
    [InlineData(401, """{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}""", 401, "unauthorized: authentication required")]
    [InlineData(429, """{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}""", 429, "toomanyrequests: slow down")]
    [InlineData(500, "oops", 500, "received unexpected HTTP status: 500 Status")]
    [InlineData(404, "not json", 500, "error parsing HTTP 404 response body: invalid character 'o' in literal null (expecting 'u'): \"not json\"")]
    public async Task What_a_registry_refuses_is_told_in_dockerds_words(int status, string body, int kind, string message)
    {
        registry.Answer = r => r.Path == "/v2/" ? new(200, "{}") : new(status, body);
        var error = await FailAsync();
        Assert.Equal((kind, string.Format(System.Globalization.CultureInfo.InvariantCulture, message, Repository)), ((int)error.Kind, error.Message));
    }

    [Theory]
    [InlineData("scratch", "", 403, "'scratch' is a reserved name")]
    [InlineData("UPPER", "", 400, "invalid reference format: repository name (library/UPPER) must be lowercase")]
    [InlineData("x", "@@", 400, "invalid tag format")]
    [InlineData("x", "sha256:00", 400, "invalid tag format")]
    public async Task A_request_that_makes_no_sense_is_refused(string name, string tag, int kind, string message)
    {
        var error = await engine.FailAsync("pull", ("fromImage", name), ("tag", tag));
        Assert.Equal((kind, message), ((int)error.Kind, error.Message));
    }

    [Fact]
    public async Task A_mirror_is_asked_before_the_hub_and_gets_no_credentials()
    {
        await engine.DisposeAsync();
        using var access = new RegistryAccess(new RegistrySettings { Mirrors = ["http://" + registry.Host] });
        engine = await ImageEngine.StartAsync(registries: access);
        image.Add("1", [One]);
        string secret = Convert.ToBase64String("""{"username":"u","password":"p"}"""u8);
        await engine.RunAsync("pull", ("fromImage", "app:1"), ("X-Registry-Auth", secret));
        Assert.Equal(image.ConfigDigest, engine.Images.Resolve("app:1").Id);
        Assert.All(registry.Requests, r => Assert.StartsWith("/v2/library/app/", r.Path, StringComparison.Ordinal));
        Assert.All(registry.Requests, r => Assert.Null(r.Authorization));
    }

    [Fact]
    public async Task A_registry_can_be_looked_into_without_pulling()
    {
        image.Add("1", [One], "arm64");
        var answer = await engine.RunAsync("distribution_inspect", ("name", Repository + ":1"));
        Assert.Equal(
            $$"""{"Descriptor":{"mediaType":"{{RemoteImage.DockerManifest}}","digest":"{{image.ManifestDigest}}","size":{{image.Manifests["1"].Content.Length}}},"Platforms":[{"architecture":"arm64","os":"linux"}]}""",
            answer.Json);
        var error = await engine.FailAsync("distribution_inspect", ("name", Repository + ":2"));
        Assert.Equal((ErrorKind.NotFound, "manifest unknown: manifest unknown"), (error.Kind, error.Message));
        Assert.Equal(0, engine.Images.Current.Count);
    }
}
