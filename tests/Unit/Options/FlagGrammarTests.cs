using Gantry.Daemon.Options;

namespace Gantry.Unit.Options;

/// <summary>Reference A5.</summary>
public class FlagGrammarTests
{
    private static readonly Dictionary<string, FlagShape> Shapes = new()
    {
        ["-d"] = new("--daemon", true), ["--daemon"] = new("--daemon", true), ["-D"] = new("--debug", true), ["--debug"] = new("--debug", true), ["-H"] = new("--host", false), ["--host"] = new("--host", false),
    };

    private static string Read(string line, out string rest)
    {
        rest = string.Join(' ', FlagGrammar.Normalise(line.Split(' '), Shapes.GetValueOrDefault, out var flags));
        return string.Join(' ', flags.Select(f => $"{f.Key.Name}={f.Value}"));
    }

    [Theory]
    [InlineData("-dD", "--daemon=true --debug=true", "")]
    [InlineData("-d -D", "--daemon=true --debug=true", "")]
    [InlineData("-H unix:///x", "--host=unix:///x", "")]
    [InlineData("-dH unix:///x", "--daemon=true --host=unix:///x", "")]
    [InlineData("-HD unix:///x", "--host=unix:///x --debug=true", "")]
    [InlineData("--host=unix:///x", "--host=unix:///x", "")]
    [InlineData("--host unix:///x", "--host=unix:///x", "")]
    [InlineData("-H=unix:///x", "--host=unix:///x", "")]
    [InlineData("--host=\"quoted\"", "--host=quoted", "")]
    [InlineData("--host='quoted'", "--host=quoted", "")]
    [InlineData("--debug=false", "--debug=false", "")]
    [InlineData("--debug=T", "--debug=true", "")]
    [InlineData("--debug false", "--debug=true", "false")]
    [InlineData("-D word -d", "--debug=true", "word -d")]
    [InlineData("-D -- -d", "--debug=true", "-d")]
    [InlineData("-D - -d", "--debug=true", "- -d")]
    [InlineData("-H -", "--host=-", "")]
    public void Flags_come_out_in_one_form(string line, string flags, string rest)
    {
        Assert.Equal(flags, Read(line, out string left));
        Assert.Equal(rest, left);
    }

    [Theory]
    [InlineData("-daemon", "flag provided but not defined: -daemon")]
    [InlineData("-Dx", "flag provided but not defined: -Dx")]
    [InlineData("--nosuch", "flag provided but not defined: --nosuch")]
    [InlineData("--nosuch=1", "flag provided but not defined: --nosuch")]
    [InlineData("-H", "flag needs an argument: --host")]
    [InlineData("--debug=maybe", "invalid argument \"maybe\" for \"--debug\" flag: it is neither true nor false")]
    public void A_wrong_flag_is_a_usage_error(string line, string message)
    {
        var error = Assert.Throws<OptionsException>(() => Read(line, out _));
        Assert.Equal(message, error.Message);
        Assert.True(error.Usage);
    }
}
