using Gantry.Daemon.Images.Transfers;

namespace Gantry.Unit.Images;

public sealed class ProgressBarTests
{
    /// <summary>As recorded from dockerd (golden 142).</summary>
    [Theory]
    [InlineData(44544, 1985007, "[=>                                                 ]  44.54kB/1.985MB")]
    [InlineData(2150400, 1985007, "[==================================================>]   2.15MB")]
    [InlineData(36445, 1508243, "[=>                                                 ]  36.45kB/1.508MB")]
    [InlineData(3679, 50331, "[===>                                               ]  3.679kB/50.33kB")]
    [InlineData(32768, 50331, "[================================>                  ]  32.77kB/50.33kB")]
    [InlineData(5, 0, "      5B")]
    [InlineData(0, 0, "")]
    public void Numbers_are_drawn_as_dockerd_draws_them(long current, long total, string expected) => Assert.Equal(expected, ProgressBar.Format(current, total));
}
