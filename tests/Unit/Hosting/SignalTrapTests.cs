using Gantry.Daemon.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Hosting;

/// <summary>Reference A16.</summary>
public sealed class SignalTrapTests : IDisposable
{
    private const int Interrupt = 2, Quit = 3, Terminate = 15, Hangup = 1;
    private readonly List<int> exits = [];
    private readonly SignalTrap trap;
    private int shutdowns;

    public SignalTrapTests() => trap = new SignalTrap(() => shutdowns++, NullLogger.Instance, exits.Add);

    public void Dispose() => trap.Dispose();

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    public void The_first_signal_starts_the_shutdown_and_the_next_two_do_nothing(int signal)
    {
        for (int i = 0; i < 3; i++) trap.Received(signal);
        Assert.Equal((1, 0), (shutdowns, exits.Count));
    }

    [Theory]
    [InlineData(Interrupt, 130)]
    [InlineData(Terminate, 143)]
    public void The_fourth_exits_with_its_own_number(int signal, int code)
    {
        for (int i = 0; i < 4; i++) trap.Received(signal);
        Assert.Equal([code], exits);
    }

    [Fact]
    public void Interrupt_and_terminate_are_counted_together()
    {
        trap.Received(Interrupt);
        trap.Received(Terminate);
        trap.Received(Interrupt);
        trap.Received(Terminate);
        Assert.Equal([143], exits);
    }

    [Fact]
    public void Quit_exits_at_once_without_a_shutdown()
    {
        trap.Received(Quit);
        Assert.Equal((0, 131), (shutdowns, Assert.Single(exits)));
    }

    [Fact]
    public void Hangup_is_ignored()
    {
        for (int i = 0; i < 5; i++) trap.Received(Hangup);
        Assert.Equal((0, 0), (shutdowns, exits.Count));
    }
}
