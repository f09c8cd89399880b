using System.Globalization;
using System.Text;
using System.Text.Json;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Pulls and pushes with a real registry: with the docker CLI where it is what people use, with the API where more is to be seen.</summary>
public sealed class RegistryTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    /// <summary>All lines of a stream; an error is a failure.</summary>
    private async Task<List<JsonElement>> StreamAsync(string path, string? auth = null, TestEngine? other = null)
    {
        var lines = await TryStreamAsync(path, auth, other);
        Assert.DoesNotContain(lines, l => l.TryGetProperty("error", out _));
        return lines;
    }

    private async Task<List<JsonElement>> TryStreamAsync(string path, string? auth = null, TestEngine? other = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.51" + path);
        request.Headers.Add("X-Registry-Auth", Convert.ToBase64String(Encoding.UTF8.GetBytes(auth ?? "{}")));
        using var answer = await (other ?? engine).Http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    private static IEnumerable<string> Statuses(IEnumerable<JsonElement> lines) => lines.Where(l => l.TryGetProperty("status", out _)).Select(l => l.GetProperty("status").GetString()!);

    private async Task RemoveImageAsync(string name) => Assert.Equal(200, (await engine.DeleteAsync($"/images/{name}?force=1")).Status);

    private static int TemporaryLayers(TestEngine engine) => Directory.GetDirectories(Path.Combine(engine.DataRoot, "layers"), "tmp-*").Length;

    [NeedsFact("docker-registry", "docker")]
    public async Task An_image_is_pushed_deleted_and_comes_back_by_tag_and_by_digest()
    {
        await using var registry = await TestRegistry.StartAsync();
        string name = registry.Host + "/team/busybox:1";
        _ = (await engine.DockerAsync("tag", "busybox", name)).Text;
        string pushed = (await engine.DockerAsync("push", name)).Text;
        string digest = pushed[pushed.IndexOf("sha256:", StringComparison.Ordinal)..][..71];
        var image = (await engine.GetAsync($"/images/{name}/json")).Result;
        Assert.Contains($"{registry.Host}/team/busybox@{digest}", image.GetProperty("RepoDigests").EnumerateArray().Select(d => d.GetString()));
        Assert.Contains("Layer already exists", (await engine.DockerAsync("push", name)).Text, StringComparison.Ordinal);

        await using var elsewhere = await TestEngine.StartAsync();
        Assert.Contains("Status: Downloaded newer image for " + name, (await elsewhere.DockerAsync("pull", name)).Text, StringComparison.Ordinal);
        Assert.Contains("Status: Image is up to date for " + name, (await elsewhere.DockerAsync("pull", name)).Text, StringComparison.Ordinal);
        Assert.Equal(image.GetProperty("Id").GetString(), (await elsewhere.DockerAsync("inspect", "-f", "{{.Id}}", name)).Text);
        Assert.Equal("hello", (await elsewhere.DockerAsync("run", "--rm", "--network", "none", name, "echo", "hello")).Text);
        _ = (await elsewhere.DockerAsync("rmi", "-f", name)).Text;
        string byDigest = $"{registry.Host}/team/busybox@{digest}";
        Assert.Equal("again", (await elsewhere.DockerAsync("run", "--rm", "--network", "none", byDigest, "echo", "again")).Text);   // run pulls what is missing
        Assert.Equal("[]", (await elsewhere.DockerAsync("inspect", "-f", "{{json .RepoTags}}", byDigest)).Text);
    }

    [NeedsFact("docker-registry", "docker")]
    public async Task A_registry_with_passwords_lets_in_whoever_has_logged_in()
    {
        await using var registry = await TestRegistry.StartAsync(asksForPassword: true);
        string name = registry.Host + "/private/app:1";
        _ = (await engine.DockerAsync("tag", "busybox", name)).Text;
        var refused = await engine.DockerAsync("push", name);
        Assert.Equal((1, "no basic auth credentials"), (refused.ExitCode, refused.Error.Trim()));
        var wrong = await engine.DockerAsync(["login", registry.Host, "-u", TestRegistry.User, "--password-stdin"], "wrong"u8.ToArray());
        Assert.Contains("401 Unauthorized", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("Login Succeeded", (await engine.DockerAsync(["login", registry.Host, "-u", TestRegistry.User, "--password-stdin"], Encoding.UTF8.GetBytes(TestRegistry.Password))).Text, StringComparison.Ordinal);
        _ = (await engine.DockerAsync("push", name)).Text;
        await RemoveImageAsync(name);
        _ = (await engine.DockerAsync("pull", name)).Text;
        Assert.Contains(registry.Host + "/private/app", (await engine.DockerAsync("search", registry.Host + "/app")).Text, StringComparison.Ordinal);
        _ = (await engine.DockerAsync("logout", registry.Host)).Text;
        var out1 = await engine.DockerAsync("pull", name);
        Assert.Contains($"Head \"http://{registry.Host}/v2/private/app/manifests/1\": no basic auth credentials", out1.Error, StringComparison.Ordinal);
        var bad = await engine.SendAsync(HttpMethod.Get, $"/distribution/{name}/json");
        Assert.Equal(500, bad.Status);
    }

    [NeedsFact("docker-registry")]
    public async Task Many_images_of_many_layers_come_and_all_tags_at_once()
    {
        await using var registry = await TestRegistry.StartAsync();
        int images = Count("GANTRY_TEST_IMAGES", 4), layers = Count("GANTRY_TEST_LAYERS", 5);
        var made = new List<MadeImage>();
        for (int i = 0; i < images; i++) made.Add(await MadeImage.PutAsync(registry, "many/app", $"v{i}", layers, 50_000));
        var lines = await StreamAsync($"/images/create?fromImage={registry.Host}/many/app");
        Assert.Equal($"Status: Downloaded newer image for {registry.Host}/many/app", Statuses(lines).Last());
        for (int i = 0; i < images; i++)
        {
            var image = (await engine.GetAsync($"/images/{registry.Host}/many/app:v{i}/json")).Result;
            Assert.Equal(made[i].Id, image.GetProperty("Id").GetString());
            Assert.Equal(layers, image.GetProperty("RootFS").GetProperty("Layers").GetArrayLength());
        }
        Assert.Equal(0, TemporaryLayers(engine));
    }

    private static int Count(string variable, int @default) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : @default;

    [NeedsFact("docker-registry")]
    public async Task Layers_of_another_repository_of_the_registry_are_mounted_and_not_sent()
    {
        await using var registry = await TestRegistry.StartAsync();
        var made = await MadeImage.PutAsync(registry, "first/app", "1", 3, 20_000);
        await StreamAsync($"/images/create?fromImage={registry.Host}/first/app:1");
        Assert.Equal(201, (await engine.PostAsync($"/images/{registry.Host}/first/app:1/tag?repo={registry.Host}/second/app&tag=1")).Status);
        var lines = await StreamAsync($"/images/{registry.Host}/second/app/push?tag=1");
        Assert.Equal(3, Statuses(lines).Count(s => s == "Mounted from first/app"));
        var manifest = await registry.ManifestAsync("second/app", "1");
        Assert.Equal(made.Layers, manifest.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("digest").GetString()));
        Assert.Equal(made.Id, manifest.GetProperty("config").GetProperty("digest").GetString());
    }

    [NeedsFact("docker-registry")]
    public async Task A_registry_that_is_killed_during_a_pull_and_started_again_is_pulled_from_to_the_end()
    {
        await using var registry = await TestRegistry.StartAsync();
        const int size = 8 << 20;   // more than the kernel keeps on the way
        var made = await MadeImage.PutAsync(registry, "slow/app", "1", 3, size);
        await using var proxy = new SlowProxy(registry.Host) { Rate = size, Limit = size / 2 };
        var pulling = StreamAsync($"/images/create?fromImage={proxy.Host}/slow/app:1");
        await proxy.WaitForAsync(proxy.Limit);
        await registry.KillAsync();
        long before = proxy.Passed;
        proxy.Limit = long.MaxValue;
        await Task.Delay(300);
        await registry.StartAgainAsync();
        proxy.Rate = 0;
        var lines = await pulling;
        Assert.Contains(Statuses(lines), s => s.StartsWith("Retrying in ", StringComparison.Ordinal));
        Assert.Equal(made.Id, (await engine.GetAsync($"/images/{proxy.Host}/slow/app:1/json")).Result.GetProperty("Id").GetString());
        Assert.InRange(proxy.Passed - before, 1, (3 * size) - (size / 3));   // what had come was not sent again
    }

    [NeedsFact("docker-registry")]
    public async Task Bytes_that_were_flipped_in_the_registry_are_refused_and_nothing_of_them_is_seen()
    {
        await using var registry = await TestRegistry.StartAsync();
        var made = await MadeImage.PutAsync(registry, "bad/app", "1", 3, 100_000);
        string path = registry.BlobPath(made.Layers[1]);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 0x40;
        await File.WriteAllBytesAsync(path, bytes);
        string[] before = Directory.GetDirectories(Path.Combine(engine.DataRoot, "layers"));
        var last = (await TryStreamAsync($"/images/create?fromImage={registry.Host}/bad/app:1"))[^1];
        Assert.Equal("filesystem layer verification failed for digest " + made.Layers[1], last.GetProperty("error").GetString());
        Assert.Equal(404, (await engine.GetAsync($"/images/{registry.Host}/bad/app:1/json")).Status);
        Assert.Equal(before.Order(), Directory.GetDirectories(Path.Combine(engine.DataRoot, "layers")).Order());
    }

    [NeedsFact("docker-registry")]
    public async Task A_daemon_that_is_killed_during_a_pull_leaves_no_half_image_and_its_successor_pulls_it()
    {
        await using var registry = await TestRegistry.StartAsync();
        var made = await MadeImage.PutAsync(registry, "cut/app", "1", 4, 400_000);
        await using var proxy = new SlowProxy(registry.Host) { Rate = 400_000 };
        await using var own = await TestEngine.StartAsync();
        for (int round = 0; round < Count("GANTRY_TEST_PULL_KILLS", 2); round++)
        {
            proxy.Limit = proxy.Passed + 100_000 + Random.Shared.Next(600_000);   // less than the layers have
            var cut = TryStreamAsync($"/images/create?fromImage={proxy.Host}/cut/app:1", other: own);
            await proxy.WaitForAsync(proxy.Limit);
            await own.KillDaemonAsync();
            await cut.ContinueWith(t => _ = t.Exception, TaskScheduler.Default);
            await own.StartDaemonAsync();
            Assert.Equal(404, (await own.GetAsync($"/images/{proxy.Host}/cut/app:1/json")).Status);
            await Eventually.IsAsync(() => Directory.GetDirectories(Path.Combine(own.DataRoot, "layers")).Length == 0);
        }
        (proxy.Rate, proxy.Limit) = (0, long.MaxValue);
        await StreamAsync($"/images/create?fromImage={proxy.Host}/cut/app:1", other: own);
        await own.KillDaemonAsync();
        await own.StartDaemonAsync();
        Assert.Equal(made.Id, (await own.GetAsync($"/images/{proxy.Host}/cut/app:1/json")).Result.GetProperty("Id").GetString());
        Assert.Equal(4, Directory.GetDirectories(Path.Combine(own.DataRoot, "layers")).Length);
    }

    [NeedsFact("docker-registry")]
    public async Task A_client_that_goes_away_ends_the_pull()
    {
        await using var registry = await TestRegistry.StartAsync();
        await MadeImage.PutAsync(registry, "gone/app", "1", 2, 400_000);
        await using var proxy = new SlowProxy(registry.Host) { Rate = 100_000, Limit = 50_000 };
        using var leave = new CancellationTokenSource();
        var pulling = engine.SendAsync(HttpMethod.Post, $"/images/create?fromImage={proxy.Host}/gone/app:1", cancellation: leave.Token);
        await proxy.WaitForAsync(proxy.Limit);
        Assert.NotEqual(0, TemporaryLayers(engine));
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling);
        await Eventually.IsAsync(() => TemporaryLayers(engine) == 0);
    }

    [NeedsFact("docker-registry", "skopeo")]
    public async Task Skopeo_takes_what_was_pushed_and_its_copies_are_pulled()
    {
        await using var registry = await TestRegistry.StartAsync();
        string name = registry.Host + "/sk/busybox";
        Assert.Equal(201, (await engine.PostAsync($"/images/busybox/tag?repo={name}&tag=1")).Status);
        await StreamAsync($"/images/{name}/push?tag=1");
        string layout = engine.Path("layout");
        _ = (await Programs.RunAsync("skopeo", ["copy", "--src-tls-verify=false", $"docker://{name}:1", $"oci:{layout}:back"])).Text;
        _ = (await Programs.RunAsync("skopeo", ["copy", "--dest-tls-verify=false", $"oci:{layout}:back", $"docker://{name}:oci"])).Text;
        await StreamAsync($"/images/create?fromImage={name}:oci");
        var (one, two) = ((await engine.GetAsync($"/images/{name}:1/json")).Result, (await engine.GetAsync($"/images/{name}:oci/json")).Result);
        Assert.Equal(one.GetProperty("RootFS").GetRawText(), two.GetProperty("RootFS").GetRawText());
        var (exit, output) = (0, "");
        string id = await engine.RunAsync(new System.Text.Json.Nodes.JsonObject { ["Image"] = name + ":oci", ["Cmd"] = new System.Text.Json.Nodes.JsonArray("echo", "ok") });
        (exit, output) = (await engine.WaitAsync(id), await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
        Assert.Equal((0, "ok\n"), (exit, output));
    }

    [NeedsFact("docker-registry")]
    public async Task A_mirror_serves_what_docker_hub_is_asked_for()
    {
        await using var registry = await TestRegistry.StartAsync();
        var made = await MadeImage.PutAsync(registry, "library/mirrored", "latest", 1, 1000);
        await using var own = await TestEngine.StartAsync("--registry-mirror", "http://" + registry.Host);
        await StreamAsync("/images/create?fromImage=mirrored&tag=latest", other: own);
        var image = (await own.GetAsync("/images/mirrored/json")).Result;
        Assert.Equal(made.Id, image.GetProperty("Id").GetString());
        Assert.Equal(["mirrored:latest"], image.GetProperty("RepoTags").EnumerateArray().Select(t => t.GetString()));
    }

    [NeedsOwnNameFact("docker-registry")]
    public async Task A_registry_with_certificates_of_its_own_is_trusted_by_what_certs_d_holds()
    {
        using var certificates = new TestCertificates(Environment.MachineName.ToLowerInvariant());
        await using var registry = await TestRegistry.StartAsync(tls: certificates);
        var made = await MadeImage.PutAsync(registry, "tls/app", "1", 2, 10_000);
        string path = $"/images/create?fromImage={registry.Host}/tls/app&tag=1";
        var refused = await engine.PostAsync(path);
        Assert.Equal((500, $"Get \"https://{registry.Host}/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority"), (refused.Status, refused.Message));

        string folder = engine.Path("certs.d/" + registry.Host);
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "ca.crt"), certificates.Authority.ExportCertificatePem());
        Assert.Equal(500, (await engine.PostAsync(path)).Status);   // it is trusted now, and we are not
        await File.WriteAllTextAsync(Path.Combine(folder, "client.key"), TestCertificates.KeyOf(certificates.Client));
        Assert.Contains("missing client certificate client.cert for key client.key", (await engine.PostAsync(path)).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "client.cert"), certificates.Client.ExportCertificatePem());
        await StreamAsync(path);
        Assert.Equal(made.Id, (await engine.GetAsync($"/images/{registry.Host}/tls/app:1/json")).Result.GetProperty("Id").GetString());
    }

    [NeedsTheory("docker-registry")]
    [InlineData("/images/create?fromImage={0}/no/such&tag=1", 404, "manifest for {0}/no/such:1 not found: manifest unknown: manifest unknown")]
    [InlineData("/images/create?fromImage={0}/no/such", 404, "repository {0}/no/such not found: name unknown: repository name not known to registry")]
    [InlineData("/images/create?fromImage=127.0.0.1:1/x&tag=1", 500, "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused")]
    [InlineData("/images/create?fromImage=scratch", 403, "'scratch' is a reserved name")]
    [InlineData("/images/BAD/push?tag=1", 400, "invalid reference format: repository name (library/BAD) must be lowercase")]
    public async Task What_cannot_be_pulled_or_pushed_is_told_as_dockerd_tells_it(string path, int status, string message)
    {
        await using var registry = await TestRegistry.StartAsync();
        var answer = await engine.SendAsync(HttpMethod.Post, string.Format(CultureInfo.InvariantCulture, path, registry.Host));
        Assert.Equal((status, string.Format(CultureInfo.InvariantCulture, message, registry.Host)), (answer.Status, answer.Message));
    }

    [NeedsFact("docker-registry")]
    public async Task What_is_not_here_cannot_be_pushed_nor_to_where_nobody_is()
    {
        await using var registry = await TestRegistry.StartAsync();
        var lines = await TryStreamAsync($"/images/{registry.Host}/no/such/push?tag=1");
        Assert.Equal($"The push refers to repository [{registry.Host}/no/such]", lines[0].GetProperty("status").GetString());
        Assert.Equal($"An image does not exist locally with the tag: {registry.Host}/no/such", lines[1].GetProperty("error").GetString());
        Assert.Equal(201, (await engine.PostAsync("/images/busybox/tag?repo=127.0.0.1:1/nobody&tag=1")).Status);
        lines = await TryStreamAsync("/images/127.0.0.1:1/nobody/push?tag=1");
        Assert.Equal("Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused", lines[^1].GetProperty("error").GetString());
        lines = await TryStreamAsync("/images/127.0.0.1:1/nobody/push?tag=2");
        Assert.Equal("tag does not exist: 127.0.0.1:1/nobody:2", lines[^1].GetProperty("error").GetString());
    }

    [NeedsFact("docker-registry")]
    public async Task Pulls_and_pushes_are_events_and_engine_commands()
    {
        await using var registry = await TestRegistry.StartAsync();
        await MadeImage.PutAsync(registry, "ev/app", "1", 1, 1000);
        _ = (await engine.GantryAsync("pull", registry.Host + "/ev/app", "1")).Text;
        _ = (await engine.GantryAsync("push", registry.Host + "/ev/app", "1")).Text;
        Assert.Contains($"{registry.Host}/ev/app", (await engine.GantryAsync("search", registry.Host + "/app")).Text, StringComparison.Ordinal);
        string until = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);
        string events = (await engine.GetAsync($"/events?since=0&until={until}")).Body;
        foreach (string action in (string[])["pull", "push"])
        {
            var one = events.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)
                .Single(e => e.GetProperty("Action").GetString() == action && e.GetProperty("Actor").GetProperty("ID").GetString() == registry.Host + "/ev/app:1");
            Assert.Equal(registry.Host + "/ev/app", one.GetProperty("Actor").GetProperty("Attributes").GetProperty("name").GetString());
        }
    }
}
