using Gantry.Supervisor.Drivers;

namespace Gantry.Unit.Supervisor;

public sealed class SystemControlPathTests
{
    [Theory]
    [InlineData("net.ipv4.ip_forward", "net/ipv4/ip_forward")]
    [InlineData("net.ipv4.conf.eth0/1.mtu", "net/ipv4/conf/eth0.1/mtu")]
    [InlineData("net/ipv4/conf/eth0.1/mtu", "net/ipv4/conf/eth0.1/mtu")]
    public void The_first_separator_decides(string name, string path) => Assert.Equal(path, SystemControlPath.Of(name));
}
