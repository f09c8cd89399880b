using Gantry.Daemon.Options;

namespace Gantry.Unit.Options;

/// <summary>Reference A10.</summary>
public class HostAddressTests
{
    [Theory]
    [InlineData("", "unix:///run/gantry/gantry.sock")]
    [InlineData("unix://", "unix:///run/gantry/gantry.sock")]
    [InlineData("unix:///tmp/x.sock", "unix:///tmp/x.sock")]
    [InlineData("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375")]
    [InlineData("tcp://:2375", "tcp://127.0.0.1:2375")]
    [InlineData("tcp://[::1]:2375", "tcp://[::1]:2375")]
    [InlineData("example.test:80", "tcp://example.test:80")]
    [InlineData(":80", "tcp://127.0.0.1:80")]
    [InlineData("fd://", "fd://")]
    [InlineData("fd://gantry.socket", "fd://gantry.socket")]
    public void An_address_is_read(string text, string expected) => Assert.Equal(expected, HostAddress.Parse(text).ToString());

    [Theory]
    [InlineData("udp://127.0.0.1:1", "Invalid bind address protocol: udp://127.0.0.1:1")]
    [InlineData("npipe:////./pipe/x", "Invalid bind address protocol: npipe:////./pipe/x")]
    [InlineData("tcp://a", "Invalid bind address format: tcp://a")]
    [InlineData("tcp://a:0", "Invalid bind address format: tcp://a:0")]
    [InlineData("tcp://a:99999", "Invalid bind address format: tcp://a:99999")]
    [InlineData("tcp://::1:80", "Invalid bind address format: tcp://::1:80")]
    [InlineData("tcp://a:80/x", "Invalid bind address format: tcp://a:80/x")]
    [InlineData("nonsense", "Invalid bind address format: nonsense")]
    public void What_is_no_address_is_refused_with_the_known_text(string text, string expected) =>
        Assert.Equal(expected, Assert.Throws<OptionsException>(() => HostAddress.Parse(text)).Message);
}
