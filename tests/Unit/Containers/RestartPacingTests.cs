using Gantry.Daemon.Containers;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Containers;

public sealed class RestartPacingTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1), Long = TimeSpan.FromSeconds(11);

    private static RestartPolicy Policy(string name, int count = 0) => new() { Name = name, MaximumRetryCount = count };

    [Fact]
    public void The_wait_doubles_up_to_a_minute()
    {
        var pacing = new RestartPacing();
        var waits = Enumerable.Range(0, 12).Select(_ => pacing.Next(Policy("always"), 1, Short, false)!.Value.TotalMilliseconds).ToArray();
        Assert.Equal([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000], waits);
    }

    [Fact]
    public void A_run_of_ten_seconds_begins_the_waits_anew()
    {
        var pacing = new RestartPacing();
        for (int i = 0; i < 5; i++) pacing.Next(Policy("always"), 1, Short, false);
        Assert.Equal(TimeSpan.FromMilliseconds(100), pacing.Next(Policy("always"), 1, Long, false));
    }

    [Fact]
    public void On_failure_counts_its_restarts_and_leaves_success_alone()
    {
        var pacing = new RestartPacing();
        Assert.Null(pacing.Next(Policy("on-failure", 2), 0, Short, false));
        Assert.NotNull(pacing.Next(Policy("on-failure", 2), 1, Short, false));
        Assert.NotNull(pacing.Next(Policy("on-failure", 2), 1, Short, false));
        Assert.Null(pacing.Next(Policy("on-failure", 2), 1, Short, false));
        Assert.Equal(2, pacing.Count);
    }

    [Fact]
    public void Unless_stopped_does_not_restart_what_a_user_has_stopped()
    {
        Assert.Null(new RestartPacing().Next(Policy("unless-stopped"), 1, Short, stoppedByUser: true));
        Assert.NotNull(new RestartPacing().Next(Policy("unless-stopped"), 1, Short, stoppedByUser: false));
    }

    [Fact]
    public void A_cancelled_pacing_restarts_nothing_until_it_is_reset()
    {
        var pacing = new RestartPacing();
        pacing.Cancel();
        Assert.Null(pacing.Next(Policy("always"), 1, Short, false));
        pacing.Reset();
        Assert.NotNull(pacing.Next(Policy("always"), 1, Short, false));
    }

    [Theory]
    [InlineData("no")]
    [InlineData("")]
    public void Without_a_policy_nothing_restarts(string name) => Assert.Null(new RestartPacing().Next(Policy(name), 1, Short, false));
}
