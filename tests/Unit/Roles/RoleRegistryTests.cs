using Gantry.Daemon.Roles;

namespace Gantry.Unit.Roles;

/// <summary>Reference A2.</summary>
public class RoleRegistryTests
{
    private static RoleRegistry Registry()
    {
        var roles = new RoleRegistry();
        roles.Register("gantryd", _ => 1);
        roles.Register("/exact/name", _ => 2);
        return roles;
    }

    [Theory]
    [InlineData("gantryd", 1)]
    [InlineData("./gantryd", 1)]
    [InlineData("/usr/bin/gantryd", 1)]
    [InlineData("/exact/name", 2)]
    public void A_role_is_found_by_its_name_or_at_the_end_of_a_path(string argv0, int expected) => Assert.Equal(expected, Registry().Find(argv0)!([]));

    [Theory]
    [InlineData("gantry")]
    [InlineData("gantryd2")]
    [InlineData("name")]
    [InlineData("")]
    public void Any_other_name_is_no_role(string argv0) => Assert.Null(Registry().Find(argv0));

    [Fact]
    public void A_name_cannot_be_registered_twice() => Assert.Throws<InvalidOperationException>(() => Registry().Register("gantryd", _ => 3));
}
