using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

public sealed class ImportTests
{
    private static readonly byte[] Small = TarBuilder.Of(t => t.Directory("etc").File("etc/motd", "hello\n"));

    [Fact]
    public async Task The_answer_is_the_id_of_the_new_image()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(Small, "golden:1");
        Assert.Equal(id, engine.Images.Resolve("golden:1").Id);
    }

    [Fact]
    public async Task The_layer_is_named_by_the_digest_of_the_archive()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(Small);
        Assert.Equal([Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Small))], engine.LayerNames);
    }

    [Fact]
    public async Task The_id_is_the_digest_of_the_stored_configuration()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(Small);
        byte[] stored = await File.ReadAllBytesAsync(Path.Combine(engine.Root, "content/blobs/sha256", id["sha256:".Length..]));
        Assert.Equal(id["sha256:".Length..], Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stored)));
    }

    [Fact]
    public async Task Tag_comes_before_import_among_the_events()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(Small, "golden:1", "LABEL a=b");
        Assert.Equal([$"image tag {id} a=b,name=golden:1", $"image import {id} a=b,name={id}"], engine.Events.All);
    }

    [Fact]
    public async Task Changes_become_the_configuration()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(Small, "x", """CMD ["sh"]""", "ENV A=1", "ENV B=$A");
        var config = engine.Images.Resolve("x").Config;
        Assert.Equal(["sh", "A=1", "B=1"], [.. config.Cmd!, .. config.Env!]);
    }

    [Theory]
    [InlineData("", "Imported from -")]
    [InlineData("by hand", "by hand")]
    public async Task The_message_is_the_comment(string message, string comment)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("import", Small, ("fromSrc", "-"), ("repo", "x"), ("message", message));
        var inspect = (await engine.RunAsync("image_inspect", ("name", "x"))).Body<ImageInspect>();
        Assert.Equal(comment, inspect.Comment);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("bzip2")]
    [InlineData("xz")]
    public async Task A_compressed_archive_gives_the_same_layer(string program)
    {
        if (!Programs.IsInstalled(program)) Assert.Fail($"the test needs {program}");
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(Compressor.Run(program, Small), "x");
        Assert.Equal("sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Small)), engine.Images.Resolve("x").Document.RootFs!.DiffIds!.Single());
    }

    [Theory]
    [InlineData("windows", 400, "operating system is not supported")]
    [InlineData("foo", 400, "\"foo\": unknown operating system or architecture: invalid argument")]
    [InlineData("linux/amd64/v2/x", 400, "\"linux/amd64/v2/x\": cannot parse platform specifier: invalid argument")]
    public async Task A_platform_that_cannot_be_is_refused(string platform, int status, string text)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", Small, ("fromSrc", "-"), ("platform", platform));
        Assert.Equal((status, text), ((int)error.Kind, error.Message));
    }

    [Theory]
    [InlineData("linux/arm64/v8", "arm64", "v8")]
    [InlineData("linux/arm64", "arm64", null)]
    [InlineData("linux/arm/v7", "arm", "v7")]
    [InlineData("linux/arm", "arm", null)]
    [InlineData("aarch64", "arm64", null)]
    [InlineData("x86_64", "amd64", null)]
    [InlineData("linux/armhf", "arm", null)]
    public async Task The_platform_is_kept_in_its_normal_form(string platform, string architecture, string? variant)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("import", Small, ("fromSrc", "-"), ("repo", "x"), ("platform", platform));
        var image = engine.Images.Resolve("x");
        Assert.Equal((architecture, variant), (image.Architecture, image.Variant));
    }

    [Theory]
    [InlineData("BAD", "", "invalid reference format: repository name (library/BAD) must be lowercase")]
    [InlineData("a", "bad x", "invalid tag format")]
    [InlineData("a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "", "cannot import digest reference")]
    public async Task A_malformed_name_is_refused(string repository, string tag, string text)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", Small, ("fromSrc", "-"), ("repo", repository), ("tag", tag));
        Assert.Equal((ErrorKind.InvalidParameter, text), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Garbage_is_an_unexpected_end()
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", "garbage!\n"u8.ToArray(), ("fromSrc", "-"), ("repo", "bad"));
        Assert.Equal((ErrorKind.System, "unexpected EOF"), (error.Kind, error.Message));
    }

    /// <summary>The docker CLI ends the archive of <c>docker build -f -</c> with the last byte of its last file.</summary>
    [Theory]
    [InlineData(1024 + 6)]
    [InlineData(1024 + 200)]
    public async Task An_archive_may_end_without_the_padding_of_its_last_file(int length)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(Small[..length]);
        Assert.Equal([Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Small.AsSpan(0, length)))], engine.LayerNames);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(512 + 3)]
    [InlineData(1024 + 3)]
    public async Task A_truncated_archive_is_an_unexpected_end(int length)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", Small[..length], ("fromSrc", "-"));
        Assert.Equal("unexpected EOF", error.Message);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("bzip2")]
    [InlineData("xz")]
    public async Task A_truncated_compressed_archive_is_an_unexpected_end(string program)
    {
        if (!Programs.IsInstalled(program)) Assert.Fail($"the test needs {program}");
        await using var engine = await ImageEngine.StartAsync();
        byte[] compressed = Compressor.Run(program, Small);
        var error = await engine.FailAsync("import", compressed[..(compressed.Length - 5)], ("fromSrc", "-"));
        Assert.Equal("unexpected EOF", error.Message);
    }

    [Fact]
    public async Task A_failed_import_leaves_nothing()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.FailAsync("import", TarBuilder.Of(t => t.File("a", "1").File("../b", "2")), ("fromSrc", "-"), ("repo", "x"));
        Assert.Empty(engine.LayerNames.Concat(engine.BlobNames));
    }

    [Fact]
    public async Task A_url_without_a_host_is_refused_in_go_s_words()
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", ("fromSrc", "/etc"));
        Assert.Equal("Get \"http:///etc\": http: no Host in request URL", error.Message);
    }
}
