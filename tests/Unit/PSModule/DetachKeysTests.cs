using System.Text;
using Gantry.PowerShell.Cmdlets;

namespace Gantry.Unit.PSModule;

public class DetachKeysTests
{
    [Theory]
    [InlineData(null, "\x10\x11", true)]
    [InlineData(null, "ls\n\x10|\x11", true)]
    [InlineData(null, "\x10\x10\x11", true)]
    [InlineData(null, "\x10x\x11", false)]
    [InlineData(null, "\x11\x10", false)]
    [InlineData("ctrl-x,q", "\x18|q", true)]
    [InlineData("ctrl-x,q", "\x10\x11", false)]
    [InlineData("CTRL-A", "\x01", true)]
    [InlineData("ctrl-@,ctrl-[,ctrl-_", "\0\x1b\x1f", true)]
    [InlineData("nonsense", "nonsense", false)]
    public void They_are_noticed_however_they_come(string? keys, string typed, bool pressed)
    {
        var noticed = DetachKeys.Parse(keys);
        foreach (string piece in typed.Split('|')) noticed.Notice(Encoding.ASCII.GetBytes(piece));
        Assert.Equal(pressed, noticed.WerePressed);
    }
}
