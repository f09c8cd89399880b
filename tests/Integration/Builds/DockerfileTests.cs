using System.Net.Sockets;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Builds;

/// <summary>Small Dockerfiles, each built here and compared with what dockerd 28 made of it: output, configuration, history and files.</summary>
/// <remarks><c>Dockerfiles/record.sh</c> has dockerd make the expectations again.</remarks>
public sealed class DockerfileTests(DockerfileEngine fixture) : IClassFixture<DockerfileEngine>
{
    private static readonly string Folder = FindFolder();

    private static string FindFolder()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Gantry.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, "tests", "Integration", "Dockerfiles");
    }

    public static TheoryData<string> Cases => [.. Directory.GetFiles(Folder, "*.case").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [NeedsTheory("busybox")]
    [MemberData(nameof(Cases))]
    public async Task A_dockerfile_gives_what_it_gives_with_dockerd(string name)
    {
        string expectation = Path.Combine(Folder, name + ".expected");
        var described = await RunAsync(DockerfileCase.Read(Path.Combine(Folder, name + ".case")));
        if (fixture.Records) await File.WriteAllTextAsync(expectation, BuiltImage.Format(described));
        else Assert.Equal(await File.ReadAllTextAsync(expectation), BuiltImage.Format(described));
    }

    private async Task<JsonObject> RunAsync(DockerfileCase dockerfile)
    {
        foreach (var (image, text) in dockerfile.Images) await MakeImageAsync(image, text);
        string tag = "dockerfile-" + dockerfile.Name;
        if (dockerfile.IsBeyondClassic && fixture.Records) return await fixture.RecordBuildKitAsync(dockerfile, tag);
        List<(string, string)> query = [("t", tag), .. dockerfile.Query];
        if (!query.Exists(q => q.Item1 == "networkmode")) query.Add(("networkmode", "none"));
        byte[] context = dockerfile.Context();
        string output = await BuiltImage.BuildAsync(fixture.Http, context, [.. query, ("nocache", "1")]);
        bool failed = !output.Contains("Successfully tagged", StringComparison.Ordinal);
        if (dockerfile.IsBeyondClassic)
        {
            Assert.False(failed, output);
            return await BuiltImage.DescribeAsync(fixture.Http, tag, filesOnly: true);
        }
        var described = failed ? [] : await BuiltImage.DescribeAsync(fixture.Http, tag, filesOnly: false);
        described["output"] = Lines(output);
        if (!failed && !dockerfile.IsBuiltOnce) described["again"] = Lines(await BuiltImage.BuildAsync(fixture.Http, context, query));
        return described;
    }

    private async Task MakeImageAsync(string image, string text)
    {
        var dockerfile = DockerfileCase.Parse(image, "\n=== Dockerfile\n" + text);
        string output = await BuiltImage.BuildAsync(fixture.Http, dockerfile.Context(), [("t", image), ("networkmode", "none")]);
        Assert.Contains("Successfully tagged", output, StringComparison.Ordinal);
    }

    private static JsonArray Lines(string output) => [.. output.TrimEnd('\n').Split('\n').Select(l => (JsonNode)l)];
}

/// <summary>The engine that builds: this one, or, to record expectations, the dockerd whose socket <c>GANTRY_RECORD_FROM</c> names.</summary>
public sealed class DockerfileEngine : IAsyncLifetime
{
    private readonly string? peer = Environment.GetEnvironmentVariable("GANTRY_RECORD_FROM");
    private TestEngine? engine;

    public bool Records => peer is { Length: > 0 };

    internal HttpClient Http { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!Records)
        {
            engine = await TestEngine.StartAsync();
            Http = engine.Http;
        }
        else
        {
            Http = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(peer!), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            }) { BaseAddress = new Uri("http://peer") };
        }
        var content = new ByteArrayContent(await Rootfs.BusyboxAsync()) { Headers = { ContentType = new("application/x-tar") } };
        using var answer = await Http.PostAsync("/v1.51/images/create?fromSrc=-&repo=dockerfile-base", content);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>By the docker CLI of this machine with the plugin buildx, whose path <c>GANTRY_RECORD_BUILDX</c> names.</summary>
    internal async Task<JsonObject> RecordBuildKitAsync(DockerfileCase dockerfile, string tag)
    {
        string buildx = Environment.GetEnvironmentVariable("GANTRY_RECORD_BUILDX")!;
        var folder = Directory.CreateTempSubdirectory("gantry-record-");
        string context = Path.Combine(folder.FullName, "context"), plugins = Path.Combine(folder.FullName, "config", "cli-plugins");
        Directory.CreateDirectory(context);
        Directory.CreateDirectory(plugins);
        File.CreateSymbolicLink(Path.Combine(plugins, "docker-buildx"), buildx);
        await System.Formats.Tar.TarFile.ExtractToDirectoryAsync(new MemoryStream(dockerfile.Context()), context, overwriteFiles: true);
        var environment = new Dictionary<string, string> { ["DOCKER_HOST"] = "unix://" + peer, ["DOCKER_CONFIG"] = Path.GetDirectoryName(plugins)!, ["DOCKER_BUILDKIT"] = "1" };
        var built = await Programs.RunAsync("docker", ["build", "--no-cache", "--provenance=false", "--network", "none", "-t", tag, context], environment);
        Assert.True(built.ExitCode == 0, built.Error);
        folder.Delete(recursive: true);
        return await BuiltImage.DescribeAsync(Http, tag, filesOnly: true);
    }

    public async Task DisposeAsync()
    {
        if (engine is not null) await engine.DisposeAsync();
        else await ForgetAsync();
    }

    /// <summary>Leaves nothing with the dockerd that was asked.</summary>
    private async Task ForgetAsync()
    {
        var images = JsonNode.Parse(await Http.GetStringAsync("/v1.51/images/json"))!.AsArray();
        foreach (string tag in images.SelectMany(i => i!["RepoTags"]?.AsArray().Select(t => (string)t!) ?? []).Where(t => t.StartsWith("dockerfile-", StringComparison.Ordinal)))
            await Http.DeleteAsync($"/v1.51/images/{tag}?force=1");
        Http.Dispose();
    }
}
