using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Containers;

/// <summary>The option <c>tag</c> of log drivers.</summary>
public class LogTagTests
{
    private static readonly ContainerRecord Container = new()
    {
        Id = new string('a', 64),
        Name = "web",
        ImageId = "sha256:" + new string('b', 64),
        Config = new ContainerConfig { Image = "busybox:1" },
        Path = "sh",
        Args = ["-c", "x"],
        Created = DateTimeOffset.UnixEpoch,
        HostConfig = new HostConfig(),
        Networks = [],
        Mounts = [],
        ExecDriver = "native",
    };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("{{.Name}}/{{ .ID }}", "web/aaaaaaaaaaaa")]
    [InlineData("{{.ImageName}}|{{.ImageID}}|{{.DaemonName}}", "busybox:1|bbbbbbbbbbbb|gantry")]
    [InlineData("{{upper .Name}} {{json .Command}}", "WEB \"sh -c x\"")]
    [InlineData("{{.FullID}}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Fields_are_filled_in(string template, string expected) => Assert.Equal(expected, LogTag.Expand(template, Container));

    [Theory]
    [InlineData("{{.Nope}}")]
    [InlineData("{{shout .Name}}")]
    [InlineData("{{}}")]
    public void What_is_no_field_is_refused_and_the_fields_are_named(string template)
    {
        var error = Assert.Throws<EngineException>(() => LogTag.Verify(template));
        Assert.Equal(ErrorKind.InvalidParameter, error.Kind);
        Assert.Contains(".ImageName", error.Message, StringComparison.Ordinal);
    }
}
