using System.Net;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

/// <summary>Names of v1.2.0, tags, and imports from a URL.</summary>
public sealed class OldCommandsTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    [Fact]
    public async Task Every_image_command_of_v1_2_0_but_pull_and_push_is_registered()
    {
        await using var engine = await ImageEngine.StartAsync();
        string[] names = ["history", "image_delete", "image_export", "image_get", "image_inspect", "image_set", "image_tag", "image_tarlayer", "images", "import", "load", "tag", "viz"];
        Assert.Equal(names, engine.Engine.Commands.Select(c => c.Name).Intersect(names, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Tag_gives_a_name_and_tells_of_it()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One);
        var answer = await engine.RunAsync("tag", ("name", id), ("repo", "golden"), ("tag", "2"));
        Assert.Equal(id, engine.Images.Resolve("golden:2").Id);
        Assert.Equal($"image tag {id} name=golden:2", engine.Events.All[^1]);
        Assert.Null(answer.Result.Body);
    }

    [Fact]
    public async Task Tag_takes_the_name_from_another_image()
    {
        await using var engine = await ImageEngine.StartAsync();
        string old = await engine.ImportAsync(One, "x");
        string next = await engine.ImportAsync(Two);
        await engine.RunAsync("tag", ("name", next), ("repo", "x"));
        Assert.Equal((next, 0), (engine.Images.Resolve("x").Id, engine.Images.Resolve(old).Names.Count));
    }

    [Theory]
    [InlineData("nosuch", "a", 404, "No such image: nosuch:latest")]
    [InlineData("BAD:x:y", "a", 404, "invalid reference format: repository name (library/BAD) must be lowercase")]
    [InlineData("x", "UPPER", 400, "invalid reference format: repository name (library/UPPER) must be lowercase")]
    [InlineData("x", "sha256", 400, "refusing to create an ambiguous tag using digest algorithm as name")]
    [InlineData("x", "", 400, "repository name must have at least one component")]
    public async Task A_tag_that_cannot_be_is_refused(string name, string repository, int status, string message)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        var error = await engine.FailAsync("tag", ("name", name), ("repo", repository));
        Assert.Equal((status, message), ((int)error.Kind, error.Message));
    }

    [Fact]
    public async Task Image_tag_takes_the_new_name_first()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "old");
        await engine.RunAsync("image_tag", ("newName", "new:1"), ("name", "old"));
        Assert.Equal(id, engine.Images.Resolve("new:1").Id);
    }

    [Fact]
    public async Task Image_set_lays_a_layer_on_its_parent()
    {
        await using var engine = await ImageEngine.StartAsync();
        string parent = await engine.ImportAsync(One, "parent");
        var answer = await engine.RunAsync("image_set", Two, ("name", "child:1"), ("json", """{"os":"linux","config":{"User":"me"}}"""), ("parent", "parent"));
        var image = engine.Images.Resolve("child:1");
        Assert.Equal((parent, "me", 2, image.Id), (image.Parent, image.Config.User, image.Layers.Count, answer.Body<Gantry.Protocol.Containers.IdResponse>().Id));
    }

    [Fact]
    public async Task Image_set_of_no_configuration_is_refused()
    {
        await using var engine = await ImageEngine.StartAsync();
        Assert.Equal(ErrorKind.InvalidParameter, (await engine.FailAsync("image_set", ("json", "nojson"))).Kind);
    }

    [Fact]
    public async Task Image_get_describes_an_image()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x");
        var inspect = (await engine.RunAsync("image_get", ("name", "x"))).Body<ImageInspect>();
        Assert.Equal((id, "linux", "1.2.3"), (inspect.Id, inspect.Os, inspect.DockerVersion));
    }

    [Fact]
    public async Task Viz_draws_parents_and_names()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "parent");
        await engine.RunAsync("image_set", Two, ("name", "child:1"), ("json", "{}"), ("parent", "parent"));
        string graph = Encoding.UTF8.GetString((await engine.RunAsync("viz")).Output.Bytes);
        string parent = engine.Images.Resolve("parent").ShortId, child = engine.Images.Resolve("child:1").ShortId;
        Assert.Contains($" \"{parent}\" -> \"{child}\"\n", graph, StringComparison.Ordinal);
        Assert.Contains($" \"{child}\" [label=\"{child}\\nchild:1\"", graph, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_import_from_a_url_reports_its_download()
    {
        await using var engine = await ImageEngine.StartAsync();
        using var server = new OneAnswer(200, One);
        var answer = await engine.RunAsync("import", ("fromSrc", server.Url), ("repo", "x"));
        Assert.Equal([$"Downloading from {server.Url}", "Importing", engine.Images.Resolve("x").Id], answer.Lines.Select(l => l.Status));
    }

    [Fact]
    public async Task A_url_without_a_scheme_is_http()
    {
        await using var engine = await ImageEngine.StartAsync();
        using var server = new OneAnswer(200, One);
        await engine.RunAsync("import", ("fromSrc", server.Url["http://".Length..]), ("repo", "x"));
        Assert.Equal("Imported from " + server.Url["http://".Length..], engine.Images.Resolve("x").Document.Comment);
    }

    [Fact]
    public async Task A_url_that_answers_404_is_not_found()
    {
        await using var engine = await ImageEngine.StartAsync();
        using var server = new OneAnswer(404, "nothing here"u8.ToArray());
        var error = await engine.FailAsync("import", ("fromSrc", server.Url));
        Assert.Equal((ErrorKind.NotFound, $"failed to GET {server.Url} with status 404 Not Found"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task A_url_that_nobody_serves_is_an_error_that_names_it()
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", ("fromSrc", "http://127.0.0.1:1/x.tar"));
        Assert.StartsWith("Get \"http://127.0.0.1:1/x.tar\": ", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A web server for one request.</summary>
    private sealed class OneAnswer : IDisposable
    {
        private readonly HttpListener listener = new();

        public OneAnswer(int status, byte[] body)
        {
            // A listener cannot be asked for a free port: one is found and taken again at once.
            using (var probe = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp))
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndPoint!).Port}/x.tar";
            }
            listener.Prefixes.Add(Url[..(Url.LastIndexOf('/') + 1)]);
            listener.Start();
            Answering = AnswerAsync(status, body);
        }

        public string Url { get; }

        public Task Answering { get; }

        private async Task AnswerAsync(int status, byte[] body)
        {
            var context = await listener.GetContextAsync();
            context.Response.StatusCode = status;
            context.Response.ContentLength64 = body.Length;
            await context.Response.OutputStream.WriteAsync(body);
            context.Response.Close();
        }

        public void Dispose() => listener.Close();
    }
}
