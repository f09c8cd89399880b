using Gantry.Linux.Processes;

namespace Gantry.Unit.Linux.Processes;

public sealed class IgnoredSignalsTests
{
    [Theory]
    [InlineData("0000000000000000", new int[0])]
    [InlineData("0000000000001006", new[] { 2, 3, 13 })]
    [InlineData("8000000000000001", new[] { 1, 64 })]
    public void The_mask_of_the_kernel_names_signals_from_one_on(string mask, int[] signals) => Assert.Equal(signals, IgnoredSignals.Read(["Name:\tx", "SigIgn:\t" + mask]));

    [Fact]
    public void The_runtime_ignores_broken_pipes() => Assert.Contains(13, IgnoredSignals.All);
}
