using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;

namespace Gantry.Unit.Images.Dockerfiles;

/// <summary>Quotes, escapes and variables in arguments (Dockerfile reference, "Environment replacement").</summary>
public sealed class ShellWordsTests
{
    private static readonly string[] Environment = ["A=one", "E=", "P=/usr/lib/x.tar.gz", "S=a b"];

    [Theory]
    [InlineData("$A", "one")]
    [InlineData("${A}x$Ax", "onex")]
    [InlineData("'$A'", "$A")]
    [InlineData("\"$A\"", "one")]
    [InlineData("\\$A", "$A")]
    [InlineData("\"\\$A \\n \\\" \\\\\"", "$A \\n \" \\")]
    [InlineData("a\\b", "ab")]
    [InlineData("$", "$")]
    [InlineData("a$ b", "a$ b")]
    [InlineData("$1$@x", "x")]
    [InlineData("${N:-d}${E:-d}${E-d}${A:-d}", "ddone")]
    [InlineData("${N:+s}${E:+s}${E+s}${A:+s}", "ss")]
    [InlineData("${N:-${A:-x}}", "one")]
    [InlineData("${A:?no}", "one")]
    [InlineData("${P#*/}|${P##*/}|${P%.*}|${P%%.*}", "usr/lib/x.tar.gz|x.tar.gz|/usr/lib/x.tar|/usr/lib/x")]
    [InlineData("${P/lib/bin}|${P//\\//-}|${P/l?b/*}", "/usr/bin/x.tar.gz|-usr-lib-x.tar.gz|/usr/*/x.tar.gz")]
    [InlineData("${A#o}${A%e}${A#x}", "neonone")]
    [InlineData("<<x", "<<x")]
    public void A_word_is_processed(string word, string expected) => Assert.Equal(expected, ShellWords.Process(word, Environment));

    [Theory]
    [InlineData("\"x", "failed to process \"\\\"x\": unexpected end of statement while looking for matching double-quote")]
    [InlineData("'x", "failed to process \"'x\": unexpected end of statement while looking for matching single-quote")]
    [InlineData("${A", "failed to process \"${A\": syntax error: missing '}'")]
    [InlineData("${A:-x", "failed to process \"${A:-x\": syntax error: missing '}'")]
    [InlineData("${}", "failed to process \"${}\": syntax error: bad substitution")]
    [InlineData("${A~x}", "failed to process \"${A~x}\": unsupported modifier (~) in substitution")]
    [InlineData("${A:#x}", "failed to process \"${A:#x}\": unsupported modifier (:#) in substitution")]
    [InlineData("${N:?gone}", "failed to process \"${N:?gone}\": N: gone")]
    [InlineData("${E:?}", "failed to process \"${E:?}\": E: is not allowed to be empty")]
    [InlineData("${N?}", "failed to process \"${N?}\": N: is not allowed to be unset")]
    public void What_cannot_be_is_refused(string word, string message) => Assert.Equal(message, Assert.Throws<EngineException>(() => ShellWords.Process(word, Environment)).Message);

    [Theory]
    [InlineData("$S c", "a|b|c")]
    [InlineData("\"$S\" 'c d'", "a b|c d")]
    [InlineData("$N", "")]
    public void A_list_is_cut_at_blanks_outside_quotes(string word, string expected) => Assert.Equal(expected, string.Join('|', ShellWords.ProcessList(word, Environment)));

    [Fact]
    public void No_pattern_takes_long()
    {
        string value = new('a', 50_000);
        Assert.Equal(value, ShellWords.Process("${V%%*a*a*a*a*a*a*a*b}", [$"V={value}"]));
    }
}
