using Gantry.Linux.Processes;
using Gantry.Supervisor.Systemd;

namespace Gantry.Unit.Supervisor.Systemd;

/// <summary>Names of slices (systemd.slice(5), systemd.unit(5)) and where they lie.</summary>
public class SliceNameTests
{
    [Theory]
    [InlineData("web.slice", "/web.slice")]
    [InlineData("system.slice", "/system.slice")]
    [InlineData("web-front-a.slice", "/web.slice/web-front.slice/web-front-a.slice")]
    [InlineData("user_1.x.slice", "/user_1.x.slice")]
    [InlineData("-.slice", "")]
    public void A_slice_lies_in_those_that_its_dashes_name(string name, string path) => Assert.Equal(path, SliceName.PathOf(name));

    [Theory]
    [InlineData("")]
    [InlineData("web")]
    [InlineData(".slice")]
    [InlineData("/web.slice")]
    [InlineData("a/b.slice")]
    [InlineData("a--b.slice")]
    [InlineData("-a.slice")]
    [InlineData("a-.slice")]
    [InlineData("web.slice ")]
    [InlineData("we b.slice")]
    [InlineData("web.scope")]
    public void Other_words_are_no_slices(string name)
    {
        Assert.False(SliceName.IsValid(name));
        Assert.Throws<ArgumentException>(() => SliceName.PathOf(name));
    }

    [Fact]
    public void A_name_that_is_too_long_for_a_unit_is_no_slice() => Assert.False(SliceName.IsValid(new string('a', 250) + ".slice"));
}

/// <summary>An engine's scopes in systemd's slices, as far as no systemd is needed.</summary>
public class DelegatedScopesTests
{
    [Fact]
    public void Each_engine_has_a_scope_of_its_own_in_a_slice()
    {
        using DelegatedScopes one = new("/run/one"), other = new("/run/other");
        Assert.Matches("^/web.slice/web-a.slice/gantry-[0-9a-f]{8}-web-a.scope$", one.PathOf("web-a.slice"));
        Assert.Matches("^/gantry-[0-9a-f]{8}-root.scope$", one.PathOf("-.slice"));
        Assert.NotEqual(one.UnitOf("web.slice"), other.UnitOf("web.slice"));
        Assert.NotEqual(one.UnitOf("web.slice"), one.UnitOf("web-a.slice"));
    }

    [Fact]
    public void The_same_engine_finds_its_scopes_again()
    {
        using DelegatedScopes before = new("/run/one"), after = new("/run/one");
        Assert.Equal(before.PathOf("web.slice"), after.PathOf("web.slice"));
    }
}

/// <summary>The process with which a scope begins.</summary>
public class KeeperTests
{
    [Fact]
    public void It_ends_with_its_object_however_often_that_is_disposed()
    {
        var keeper = new Keeper();
        Assert.True(Directory.Exists($"/proc/{keeper.Pid}"));
        keeper.Dispose();
        keeper.Dispose();
        Assert.False(Directory.Exists($"/proc/{keeper.Pid}"));
    }

    [Fact]
    public void One_that_is_left_goes_on()
    {
        var keeper = new Keeper();
        int pid = keeper.Pid;
        keeper.Leave();
        keeper.Dispose();
        using var process = PidFd.Open(pid);
        Assert.True(process.Signal(9));
        process.Wait();
    }
}
