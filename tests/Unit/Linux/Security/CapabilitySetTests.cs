using Gantry.Linux.Security;

namespace Gantry.Unit.Linux.Security;

public class CapabilitySetTests
{
    [Theory]
    [InlineData("CAP_NET_ADMIN")]
    [InlineData("NET_ADMIN")]
    [InlineData("cap_net_admin")]
    [InlineData("Net_Admin")]
    public void A_name_is_read_in_any_case_with_or_without_its_prefix(string name)
    {
        Assert.True(CapabilitySet.TryParse(name, out var set));
        Assert.Equal(CapabilitySet.Of(Capability.NetAdmin), set);
    }

    [Fact]
    public void ALL_is_everything_the_kernel_has()
    {
        Assert.True(CapabilitySet.TryParse("all", out var set));
        Assert.Equal(CapabilitySet.Supported, set);
    }

    [Theory]
    [InlineData("")]
    [InlineData("CAP_")]
    [InlineData("NO_SUCH")]
    [InlineData(null)]
    public void An_unknown_name_is_none(string? name) => Assert.False(CapabilitySet.TryParse(name, out _));

    [Fact]
    public void The_unknown_one_of_several_names_is_the_error() =>
        Assert.Equal("BAD", Assert.Throws<FormatException>(() => CapabilitySet.Parse(["CHOWN", "BAD", "KILL"])).Message);

    [Fact]
    public void Names_come_in_the_order_of_their_numbers() =>
        Assert.Equal(["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"], CapabilitySet.Parse(["SYS_ADMIN", "KILL", "CHOWN"]).Names);

    [Fact]
    public void Every_capability_has_its_name()
    {
        foreach (var capability in Enum.GetValues<Capability>())
        {
            Assert.Equal(capability.ToString(), CapabilitySet.NameOf(capability)[4..].Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
            Assert.True(CapabilitySet.TryParse(CapabilitySet.NameOf(capability), out var set) && set.Contains(capability) && set.Count == 1);
        }
    }

    [Fact]
    public void Sets_are_joined_met_and_taken_from_each_other()
    {
        CapabilitySet a = CapabilitySet.Of(Capability.Chown, Capability.Kill), b = CapabilitySet.Of(Capability.Kill, Capability.Bpf);

        Assert.Equal((3, 1, 1), ((a | b).Count, (a & b).Count, (a - b).Count));
        Assert.True(a.ContainsAll(a & b));
    }

    [Fact]
    public void What_this_process_holds_is_what_its_status_says()
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapBnd:", StringComparison.Ordinal));

        Assert.Equal(Convert.ToUInt64(line[7..].Trim(), 16), CapabilitySet.Held.Bits);
    }
}
