using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.Unit.PSModule;

public sealed class EngineAddressTests
{
    [Theory]
    [InlineData("unix:///run/x.sock", "unix:///run/x.sock")]
    [InlineData("/run/x.sock", "unix:///run/x.sock")]
    [InlineData("unix://", "unix:///var/run/docker.sock")]
    [InlineData("tcp://host:2376", "tcp://host:2376")]
    [InlineData("host:1234", "tcp://host:1234")]
    [InlineData("tcp://:1234", "tcp://127.0.0.1:1234")]
    [InlineData("host", "tcp://host:2375")]
    [InlineData("https://host", "https://host:2376")]
    [InlineData("http://host:80/", "tcp://host:80")]
    [InlineData("tcp://[::1]:2375", "tcp://[::1]:2375")]
    [InlineData("tcp://[::1]", "tcp://[::1]:2375")]
    [InlineData("npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine")]
    public void Addresses_are_read_as_people_write_them(string text, string expected) => Assert.Equal(expected, EngineAddress.Parse(text).ToString());

    [Theory]
    [InlineData("ftp://host")]
    [InlineData("tcp://host:0")]
    [InlineData("tcp://host:65536")]
    [InlineData("tcp://host:port")]
    [InlineData("tcp://host:1/path")]
    [InlineData("ssh://me@host")]
    public void What_is_no_address_is_refused(string text) =>
        Assert.Equal(EngineErrorKind.InvalidRequest, Assert.Throws<ContainerEngineException>(() => EngineAddress.Parse(text)).Kind);

    [Fact]
    public void A_head_is_read_whatever_the_case_of_its_names()
    {
        var head = HttpHead.Parse("HTTP/1.1 101 UPGRADED\r\ncontent-TYPE: application/vnd.docker.raw-stream\r\n\r\n"u8);

        Assert.Equal(101, head.Status);
        Assert.Equal("application/vnd.docker.raw-stream", head.Header("Content-Type"));
    }

    [Fact]
    public void What_is_no_head_is_refused() => Assert.Throws<FormatException>(() => HttpHead.Parse("SSH-2.0-OpenSSH\r\n\r\n"u8));

    [Fact]
    public void A_query_leaves_out_what_was_not_given()
    {
        var query = new Query { { "a", "b c&d" }, { "no", (string?)null }, { "flag", true }, { "off", false }, { "n", (int?)3 } };

        Assert.Equal("?a=b%20c%26d&flag=1&n=3", query.ToString());
    }
}
