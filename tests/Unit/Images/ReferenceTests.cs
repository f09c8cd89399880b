using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.References;

namespace Gantry.Unit.Images;

/// <summary>Names of images as dockerd 28.5.2 reads and refuses them.</summary>
public sealed class ReferenceTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("busybox", "docker.io/library/busybox", "busybox")]
    [InlineData("busybox:1", "docker.io/library/busybox:1", "busybox:1")]
    [InlineData("library/busybox", "docker.io/library/busybox", "busybox")]
    [InlineData("docker.io/busybox", "docker.io/library/busybox", "busybox")]
    [InlineData("docker.io/library/busybox:latest", "docker.io/library/busybox:latest", "busybox:latest")]
    [InlineData("index.docker.io/foo", "docker.io/library/foo", "foo")]
    [InlineData("user/repo", "docker.io/user/repo", "user/repo")]
    [InlineData("library/a/b", "docker.io/library/a/b", "library/a/b")]
    [InlineData("localhost/x", "localhost/x", "localhost/x")]
    [InlineData("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000")]
    [InlineData("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1")]
    [InlineData("127.0.0.1:5055/gold:1", "127.0.0.1:5055/gold:1", "127.0.0.1:5055/gold:1")]
    [InlineData("[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x")]
    [InlineData("Registry/x", "Registry/x", "Registry/x")]
    [InlineData("docker.io", "docker.io/library/docker.io", "docker.io")]
    [InlineData("a__b", "docker.io/library/a__b", "a__b")]
    [InlineData("a--b.c_d", "docker.io/library/a--b.c_d", "a--b.c_d")]
    [InlineData("x@" + Digest, "docker.io/library/x@" + Digest, "x@" + Digest)]
    [InlineData("x:1@" + Digest, "docker.io/library/x:1@" + Digest, "x:1@" + Digest)]
    public void A_name_has_a_full_and_a_familiar_form(string text, string full, string familiar)
    {
        var reference = ImageReference.Parse(text);
        Assert.Equal((full, familiar), (reference.ToString(), reference.Familiar));
    }

    [Theory]
    [InlineData("UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase")]
    [InlineData("x/UPPER:1", "invalid reference format: repository name (x/UPPER) must be lowercase")]
    [InlineData("BAD:x:y", "invalid reference format: repository name (library/BAD) must be lowercase")]
    [InlineData("a:b:c", "invalid reference format")]
    [InlineData("a/b@sha256:abc", "invalid reference format")]
    [InlineData("http://x/y", "invalid reference format")]
    [InlineData("-a", "invalid reference format")]
    [InlineData("a___b", "invalid reference format")]
    [InlineData("a-.b", "invalid reference format")]
    [InlineData("", "invalid reference format")]
    [InlineData(" ", "invalid reference format")]
    [InlineData("a ", "invalid reference format")]
    [InlineData("a\n", "invalid reference format")]
    [InlineData("a/", "invalid reference format")]
    [InlineData("/a", "invalid reference format")]
    [InlineData("a:", "invalid reference format")]
    [InlineData("sha256:", "invalid reference format")]
    [InlineData("x:" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "invalid reference format")]
    [InlineData("4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f40", "invalid repository name (4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f402c6c3e0b4f40), cannot specify 64-byte hexadecimal strings")]
    public void A_malformed_name_is_refused(string text, string message)
    {
        var error = Assert.Throws<EngineException>(() => ImageReference.Parse(text));
        Assert.Equal((ErrorKind.InvalidParameter, message), (error.Kind, error.Message));
    }

    [Fact]
    public void A_name_of_more_than_255_characters_is_refused() =>
        Assert.Equal("repository name must not be more than 255 characters", Assert.Throws<EngineException>(() => ImageReference.Parse(new string('a', 300))).Message);

    [Theory]
    [InlineData("x", "", "x:latest")]
    [InlineData("x:2", "", "x:2")]
    [InlineData("x:2", "3", "x:3")]
    public void A_new_name_has_a_tag(string repository, string tag, string name) => Assert.Equal(name, ImageReference.ForTagging(repository, tag)!.Familiar);

    [Theory]
    [InlineData("a", "bad tag", "invalid tag format")]
    [InlineData("a", "-x", "invalid tag format")]
    [InlineData("sha256", "1", "refusing to create an ambiguous tag using digest algorithm as name")]
    [InlineData("sha256:abcd", "", "refusing to create an ambiguous tag using digest algorithm as name")]
    [InlineData("a@" + Digest, "", "cannot import digest reference")]
    public void A_new_name_that_cannot_be_is_refused(string repository, string tag, string message) =>
        Assert.Equal(message, Assert.Throws<EngineException>(() => ImageReference.ForTagging(repository, tag)).Message);

    [Theory]
    [InlineData("nosuch", "No such image: nosuch:latest")]
    [InlineData("nosuch:9", "No such image: nosuch:9")]
    [InlineData("sha256:abc", "No such image: sha256:abc")]
    [InlineData("000000000000", "No such image: 000000000000:latest")]
    [InlineData("localhost:5000/x", "No such image: localhost:5000/x:latest")]
    [InlineData("x@" + Digest, "No such image: x@" + Digest)]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "No such image: sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task An_image_that_is_not_there_is_named_as_dockerd_names_it(string text, string message)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = Assert.Throws<EngineException>(() => engine.Images.Resolve(text));
        Assert.Equal((ErrorKind.NotFound, message), (error.Kind, error.Message));
    }

    [Fact]
    public async Task An_image_is_found_by_every_form_of_its_id_and_name()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(TarBuilder.Of(t => t.File("a")), "busybox");
        string hex = id["sha256:".Length..];
        foreach (string text in new[] { id, hex, hex[..12], "sha256:" + hex[..12], hex[..1], "busybox", "busybox:latest", "library/busybox", "docker.io/busybox", "index.docker.io/library/busybox:latest" })
            Assert.Equal(id, engine.Images.Resolve(text).Id);
    }

    [Fact]
    public async Task A_name_goes_before_the_beginning_of_an_id()
    {
        await using var engine = await ImageEngine.StartAsync();
        string first = await engine.ImportAsync(TarBuilder.Of(t => t.File("a")));
        string second = await engine.ImportAsync(TarBuilder.Of(t => t.File("b")), first["sha256:".Length..][..6]);
        Assert.Equal(second, engine.Images.Resolve(first["sha256:".Length..][..6]).Id);
    }

    [Fact]
    public async Task The_beginning_of_several_ids_finds_none()
    {
        await using var engine = await ImageEngine.StartAsync();
        var ids = new List<string>();
        for (int i = 0; i < 17; i++) ids.Add(await engine.ImportAsync(TarBuilder.Of(t => t.File("f" + i))));
        string ambiguous = ids.GroupBy(i => i["sha256:".Length]).First(g => g.Count() > 1).Key.ToString();
        Assert.Equal($"No such image: {ambiguous}:latest", Assert.Throws<EngineException>(() => engine.Images.Resolve(ambiguous)).Message);
    }
}
