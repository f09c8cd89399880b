using Gantry.Daemon.Containers;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Containers;

public sealed class StatusTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0.4, "Less than a second")]
    [InlineData(1, "1 second")]
    [InlineData(59, "59 seconds")]
    [InlineData(60, "About a minute")]
    [InlineData(119, "About a minute")]
    [InlineData(120, "2 minutes")]
    [InlineData(59 * 60, "59 minutes")]
    [InlineData(3600, "About an hour")]
    [InlineData(2 * 3600, "2 hours")]
    [InlineData(47 * 3600, "47 hours")]
    [InlineData(48 * 3600, "2 days")]
    [InlineData(13 * 24 * 3600, "13 days")]
    [InlineData(14 * 24 * 3600, "2 weeks")]
    [InlineData(70 * 24 * 3600, "2 months")]
    [InlineData(3 * 365 * 24 * 3600, "3 years")]
    public void A_duration_is_told_in_one_unit(double seconds, string text) => Assert.Equal(text, StatusText.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Each_state_has_its_text()
    {
        var started = Now.AddMinutes(-5);
        var up = new ContainerStatus { Running = true, StartedAt = started };
        Assert.Equal("Created", StatusText.Of(ContainerStatus.New, Now));
        Assert.Equal("Up 5 minutes", StatusText.Of(up, Now));
        Assert.Equal("Up 5 minutes (Paused)", StatusText.Of(up with { Paused = true }, Now));
        Assert.Equal("Up 5 minutes (health: starting)", StatusText.Of(up with { Health = new Health { Status = "starting" } }, Now));
        Assert.Equal("Up 5 minutes (unhealthy)", StatusText.Of(up with { Health = new Health { Status = "unhealthy" } }, Now));
        Assert.Equal("Restarting (1) 2 seconds ago", StatusText.Of(up with { Restarting = true, ExitCode = 1, FinishedAt = Now.AddSeconds(-2) }, Now));
        Assert.Equal("Exited (3) 2 hours ago", StatusText.Of(new ContainerStatus { StartedAt = started, ExitCode = 3, FinishedAt = Now.AddHours(-2) }, Now));
        Assert.Equal("Removal In Progress", StatusText.Of(new ContainerStatus { Removing = true }, Now));
        Assert.Equal("Dead", StatusText.Of(new ContainerStatus { Dead = true, StartedAt = started }, Now));
    }

    [Fact]
    public void A_paused_container_is_shown_as_paused_and_one_between_restarts_as_restarting()
    {
        var running = new ContainerStatus { Running = true, StartedAt = Now };
        Assert.Equal("running", running.Name);
        Assert.Equal("paused", (running with { Paused = true }).Name);
        Assert.Equal("restarting", (running with { Restarting = true }).Name);
        Assert.Equal("exited", (running with { Running = false }).Name);
        Assert.Equal("created", ContainerStatus.New.Name);
        Assert.Equal("dead", (ContainerStatus.New with { Dead = true }).Name);
        Assert.Equal("removing", (ContainerStatus.New with { Removing = true }).Name);
    }
}
