using Gantry.Supervisor.Runtime;

namespace Gantry.Unit.Supervisor.Runtime;

public sealed class RuntimeArgumentsTests
{
    [Fact]
    public void Options_stand_before_and_after_the_verb_and_operands_end_them()
    {
        var parsed = RuntimeArguments.Parse(["--root", "/r", "--log-format=json", "exec", "-d", "--env", "A=1", "-e", "B=2", "box", "sh", "-c", "--env"]);
        Assert.Equal(("exec", "/r", "json", "box"), (parsed.Verb, parsed.Value("root"), parsed.Value("log-format"), parsed.Id));
        Assert.True(parsed.Has("detach"));
        Assert.Equal(["A=1", "B=2"], parsed.Values("env"));
        Assert.Equal(["box", "sh", "-c", "--env"], parsed.Operands);
    }

    [Theory]
    [InlineData("delete", "force")]
    [InlineData("list", "format")]
    public void The_letter_f_means_what_the_verb_makes_of_it(string verb, string option)
    {
        var parsed = RuntimeArguments.Parse(option == "force" ? [verb, "-f", "box"] : [verb, "-f", "json"]);
        Assert.Equal(option == "force" ? "true" : "json", parsed.Value(option));
    }

    [Fact]
    public void A_missing_value_and_an_unknown_option_are_refused()
    {
        Assert.Equal("flag needs an argument: --bundle", Assert.Throws<RuntimeException>(() => RuntimeArguments.Parse(["create", "--bundle"])).Message);
        Assert.Equal("flag provided but not defined: --nothing", Assert.Throws<RuntimeException>(() => RuntimeArguments.Parse(["state", "--nothing", "x", "box"]).AllowOnly()).Message);
        Assert.Equal("container id cannot be empty", Assert.Throws<RuntimeException>(() => RuntimeArguments.Parse(["state"]).Id).Message);
    }

    [Theory]
    [InlineData(null, "/gantry-runtime/box")]
    [InlineData("/libpod_parent/libpod-1", "/libpod_parent/libpod-1")]
    [InlineData("relative/box", "/relative/box")]
    [InlineData("system.slice:docker:abc", "/system.slice/docker-abc.scope")]
    [InlineData("machine-libpod-pod.slice:crio:abc", "/machine.slice/machine-libpod.slice/machine-libpod-pod.slice/crio-abc.scope")]
    [InlineData(":docker:abc", "/system.slice/docker-abc.scope")]
    public void A_group_is_found_by_any_form_of_its_name(string? configured, string path) => Assert.Equal(path, Bundle.CgroupPath(configured, "box"));

    [Fact]
    public void A_scope_lies_in_a_slice() => Assert.Throws<RuntimeException>(() => Bundle.CgroupPath("machine:crio:abc", "box"));
}
