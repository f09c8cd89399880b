using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gantry.Integration.Harness;
using static Gantry.Integration.Builds.BuildRequests;

namespace Gantry.Integration.Builds;

/// <summary>Contexts and files that the daemon gets itself: by HTTP and by Git.</summary>
public sealed class RemoteContextTests(BuilderFixture fixture) : IClassFixture<BuilderFixture>
{
    private const string Base = "FROM dockerfile-base\n";

    private readonly TestEngine engine = fixture.Engine;

    [NeedsFact("busybox")]
    public async Task A_url_gives_an_archive_or_the_dockerfile_alone()
    {
        using var server = new FileServer();
        byte[] archive = Context(Base + "COPY f /f\n", ("f", "from afar"));
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write(archive);
        string plain = server.Add("context.tar", archive, "application/x-tar"), compressed = server.Add("context.tgz", packed.ToArray(), "application/octet-stream");
        string text = server.Add("Dockerfile", Encoding.UTF8.GetBytes(Base + "RUN echo alone > /f\n"), "text/plain; charset=utf-8"), unknown = server.Add("some", Encoding.UTF8.GetBytes(Base + "LABEL a=b\n"), "application/octet-stream");
        Assert.Contains("Successfully tagged", await engine.BuildAsync([], $"{DefaultQuery}&t=remote-tar&remote={Uri.EscapeDataString(plain)}"), StringComparison.Ordinal);
        Assert.Equal("from afar", await engine.ReadAsync("remote-tar", "cat /f"));
        Assert.Contains("Successfully built", await engine.BuildAsync([], $"{DefaultQuery}&remote={Uri.EscapeDataString(compressed)}"), StringComparison.Ordinal);
        Assert.Contains("Successfully tagged", await engine.BuildAsync([], $"{DefaultQuery}&t=remote-text&remote={Uri.EscapeDataString(text)}"), StringComparison.Ordinal);
        Assert.Equal("alone\n", await engine.ReadAsync("remote-text", "cat /f"));
        Assert.Contains("Successfully built", await engine.BuildAsync([], $"{DefaultQuery}&remote={Uri.EscapeDataString(unknown)}"), StringComparison.Ordinal);

        string image = server.Add("picture", [0x89, 0x50, 0, 1, 2], "image/png"), copying = server.Add("copying", Encoding.UTF8.GetBytes(Base + "COPY f /f\n"), "text/plain");
        Assert.Equal($"500: error detecting content type for remote {image}: unsupported Content-Type \"image/png\"", await engine.BuildAsync([], $"remote={Uri.EscapeDataString(image)}"));
        Assert.StartsWith($"404: error downloading remote context {server.Url}nosuch: failed to GET {server.Url}nosuch with status 404", await engine.BuildAsync([], $"remote={Uri.EscapeDataString(server.Url + "nosuch")}"), StringComparison.Ordinal);
        Assert.Contains("error  COPY failed: missing build context", await engine.BuildAsync([], $"{DefaultQuery}&remote={Uri.EscapeDataString(copying)}"), StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task Add_downloads_what_a_url_names_and_unpacks_nothing_of_it()
    {
        using var server = new FileServer();
        byte[] archive = Archive(new ContextEntry("inside", "x"));
        string url = server.Add("dir/file.tar", archive, "application/x-tar", new DateTimeOffset(2020, 1, 2, 3, 4, 5, TimeSpan.Zero));
        string sum = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(archive));
        string output = await engine.BuildAsync(Context($"{Base}ADD {url} /d/\nADD --chown=12:34 {url} /e\nADD --checksum=sha256:{sum} {url} /f\nADD --chmod=644 {url} /g\n"), $"{DefaultQuery}&t=add-url");
        Assert.Contains("Successfully tagged", output, StringComparison.Ordinal);
        Assert.Equal("600 0:0 1577934245 /d/file.tar\n600 12:34 1577934245 /e\n600 0:0 1577934245 /f\n644 0:0 1577934245 /g\n",
            await engine.ReadAsync("add-url", "stat -c '%a %u:%g %Y %n' /d/file.tar /e /f /g"));
        Assert.Equal(2, (await engine.BuildAsync(Context($"{Base}ADD {url} /d/\nADD --chown=12:34 {url} /e\n"))).Split("Using cache").Length - 1);
        server.Add("dir/file.tar", Archive(new ContextEntry("inside", "y")), "application/x-tar");
        Assert.DoesNotContain("Using cache", await engine.BuildAsync(Context($"{Base}ADD {url} /d/\n")), StringComparison.Ordinal);
        Assert.Contains($"error  ADD failed: failed to GET {server.Url}nosuch with status 404", await engine.BuildAsync(Context($"{Base}ADD {server.Url}nosuch /x\n")), StringComparison.Ordinal);
        Assert.Contains("error  ADD failed: digest mismatch", await engine.BuildAsync(Context($"{Base}ADD --checksum=sha256:{sum} {url} /f\n")), StringComparison.Ordinal);
        Assert.Contains($"error  ADD failed: cannot determine filename for source {server.Url}", await engine.BuildAsync(Context($"{Base}ADD {server.Url} /x/\n")), StringComparison.Ordinal);
    }

    [NeedsFact("busybox", "git")]
    public async Task A_git_repository_is_cloned_at_a_branch_a_tag_and_a_folder()
    {
        using var server = new FileServer();
        string work = engine.Path("repository"), bare = Path.Combine(engine.Path("served"), "it.git");
        Directory.CreateDirectory(Path.Combine(work, "sub"));
        Directory.CreateDirectory(engine.Path("served"));
        async Task Git(params string[] arguments) => _ = (await Programs.RunAsync("git", ["-C", work, "-c", "user.name=t", "-c", "user.email=t@t", .. arguments])).Text;
        await Git("init", "-q", "-b", "master");
        await File.WriteAllTextAsync(Path.Combine(work, "Dockerfile"), Base + "COPY f /f\n");
        await File.WriteAllTextAsync(Path.Combine(work, "f"), "master");
        await File.WriteAllTextAsync(Path.Combine(work, "sub", "Dockerfile"), Base + "RUN echo sub > /f\n");
        await Git("add", ".");
        await Git("commit", "-q", "-m", "one");
        await Git("tag", "old");
        await Git("checkout", "-q", "-b", "other");
        await File.WriteAllTextAsync(Path.Combine(work, "f"), "other");
        await Git("commit", "-q", "-a", "-m", "two");
        await Git("clone", "-q", "--bare", work, bare);
        _ = (await Programs.RunAsync("git", ["-C", bare, "update-server-info"])).Text;
        server.Serve(engine.Path("served"));

        foreach (var (fragment, expected) in new[] { ("", "master"), ("#other", "other"), ("#old", "master"), ("#:sub", "sub\n"), ("#other:sub", "sub\n") })
        {
            string output = await engine.BuildAsync([], $"{DefaultQuery}&t=git&remote={Uri.EscapeDataString(server.Url + "it.git" + fragment)}");
            Assert.True(output.Contains("Successfully tagged", StringComparison.Ordinal), output);
            Assert.Equal(expected, await engine.ReadAsync("git", "cat /f"));
        }
        Assert.StartsWith("500: error fetching: ", await engine.BuildAsync([], $"remote={Uri.EscapeDataString(server.Url + "it.git#nosuch")}"), StringComparison.Ordinal);
        Assert.StartsWith("500: error setting git context, \"nosuch\" not within git root", await engine.BuildAsync([], $"remote={Uri.EscapeDataString(server.Url + "it.git#:nosuch")}"), StringComparison.Ordinal);
    }

    [NeedsFact("busybox", "git")]
    public async Task A_git_reference_that_looks_like_an_option_is_refused() =>
        Assert.Equal("400: invalid refspec: --upload-pack=touch /tmp/x", await engine.BuildAsync([], "remote=" + Uri.EscapeDataString("http://127.0.0.1:1/x.git#--upload-pack=touch /tmp/x")));
}

/// <summary>A web server on loopback with a few files.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly HttpListener listener;
    private readonly Dictionary<string, (byte[] Content, string Type, DateTimeOffset? Modified)> files = [];
    private string? folder;

    public FileServer()
    {
        (listener, Url) = Listen();
        _ = Task.Run(ServeAsync);
    }

    private static (HttpListener Listener, string Url) Listen()
    {
        for (int tries = 3; ; tries--)
        {
            string url;
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            }
            var listener = new HttpListener { Prefixes = { url }, IgnoreWriteExceptions = true };   // a client that goes away does not end the server
            try
            {
                listener.Start();
                return (listener, url);
            }
            catch (HttpListenerException) when (tries > 1)
            {
                listener.Close();   // somebody else has taken the port meanwhile
            }
        }
    }

    public string Url { get; }

    /// <returns>Its address.</returns>
    public string Add(string name, byte[] content, string type, DateTimeOffset? modified = null)
    {
        files["/" + name] = (content, type, modified);
        return Url + name;
    }

    /// <summary>Serves the files of a folder too.</summary>
    public void Serve(string path) => folder = path;

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            using var response = context.Response;
            string path = context.Request.Url!.AbsolutePath;
            if (files.TryGetValue(path, out var file))
            {
                response.ContentType = file.Type;
                if (file.Modified is { } modified) response.Headers["Last-Modified"] = modified.ToString("R");
                await response.OutputStream.WriteAsync(file.Content);
            }
            else if (path == "/")
            {
                await response.OutputStream.WriteAsync("root"u8.ToArray());
            }
            else if (folder is not null && File.Exists(folder + path))
            {
                await response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(folder + path));
            }
            else
            {
                response.StatusCode = 404;
                await response.OutputStream.WriteAsync("not here"u8.ToArray());
            }
        }
    }

    public void Dispose() => ((IDisposable)listener).Dispose();
}
