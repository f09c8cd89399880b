using Gantry.PowerShell.Objects;

namespace Gantry.Unit.PSModule;

/// <summary>What people write, and what they are shown.</summary>
public sealed class WrittenFormsTests
{
    [Theory]
    [InlineData("80", "->80/tcp")]
    [InlineData("8080:80", "8080->80/tcp")]
    [InlineData("127.0.0.1:53:53/udp", "127.0.0.1:53->53/udp")]
    [InlineData("127.0.0.1::80", "127.0.0.1:->80/tcp")]
    [InlineData("[::1]:8080:80", "[::1]:8080->80/tcp")]
    [InlineData("8000-8010:80", "8000-8010->80/tcp")]
    [InlineData("8000-8001:80-81", "8000->80/tcp, 8001->81/tcp")]
    [InlineData("80-81", "->80/tcp, ->81/tcp")]
    [InlineData("127.0.0.1:8080->80/tcp", "127.0.0.1:8080->80/tcp")]
    public void Port_bindings_are_read_in_every_form(string text, string expected) => Assert.Equal(expected, string.Join(", ", ContainerPortBinding.ParseAll(text)));

    [Theory]
    [InlineData("")]
    [InlineData("80:")]
    [InlineData("x:80")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("81-80")]
    [InlineData("1-2:3-5")]
    [InlineData("80/icmp")]
    [InlineData("256.0.0.1:80:80")]
    public void What_is_no_port_binding_is_refused(string text) => Assert.Throws<FormatException>(() => ContainerPortBinding.ParseAll(text));

    [Theory]
    [InlineData("512", 512)]
    [InlineData("1k", 1024)]
    [InlineData("512m", 512L << 20)]
    [InlineData("1.5GB", 3L << 29)]
    [InlineData("64 KiB", 64 << 10)]
    [InlineData("-1", -1)]
    public void Sizes_are_read_in_powers_of_1024(string text, long expected) => Assert.Equal(expected, ByteSize.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("1x")]
    [InlineData("1e99g")]
    public void What_is_no_size_is_refused(string text) => Assert.Throws<FormatException>(() => ByteSize.Parse(text));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999, "999B")]
    [InlineData(1985007, "1.99MB")]
    [InlineData(123456789, "123MB")]
    [InlineData(12345678901, "12.3GB")]
    public void Sizes_are_shown_with_three_digits(long bytes, string expected) => Assert.Equal(expected, ByteSize.Format(bytes));

    [Theory]
    [InlineData("busybox", "busybox", null, null)]
    [InlineData("docker.io/library/busybox:1", "busybox", "1", null)]
    [InlineData("docker.io/me/app", "me/app", null, null)]
    [InlineData("localhost:5000/a/b:c", "localhost:5000/a/b", "c", null)]
    [InlineData("localhost:5000/a", "localhost:5000/a", null, null)]
    [InlineData("a:b@sha256:0123", "a", "b", "sha256:0123")]
    public void Image_names_are_taken_apart(string text, string repository, string? tag, string? digest) => Assert.Equal(new ImageName(repository, tag, digest), ImageName.Parse(text));

    [Theory]
    [InlineData("Up 3 seconds (healthy)", ContainerHealth.Healthy)]
    [InlineData("Up 3 seconds (health: starting)", ContainerHealth.Starting)]
    [InlineData("Up 3 seconds (unhealthy)", ContainerHealth.Unhealthy)]
    [InlineData("Up 3 seconds (Paused)", ContainerHealth.None)]
    [InlineData("Exited (3) 2 minutes ago", ContainerHealth.None)]
    public void Health_is_read_from_a_status(string status, ContainerHealth expected) => Assert.Equal(expected, WireText.HealthOfStatus(status));

    [Theory]
    [InlineData("Exited (137) 2 minutes ago", 137)]
    [InlineData("Restarting (1) 2 seconds ago", 1)]
    [InlineData("Up 2 minutes", null)]
    public void Exit_codes_are_read_from_a_status(string status, int? expected) => Assert.Equal(expected, WireText.ExitCodeOfStatus(status));

    [Theory]
    [InlineData("on-failure:3", "on-failure:3")]
    [InlineData("OnFailure", "on-failure")]
    [InlineData("unless-stopped", "unless-stopped")]
    [InlineData("no", "no")]
    public void Restart_policies_are_read(string text, string expected) => Assert.Equal(expected, new ContainerRestartPolicy(text).ToString());

    [Theory]
    [InlineData("sometimes")]
    [InlineData("always:3")]
    [InlineData("on-failure:x")]
    public void What_is_no_restart_policy_is_refused(string text) => Assert.Throws<FormatException>(() => new ContainerRestartPolicy(text));
}
