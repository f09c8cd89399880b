using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;

namespace Gantry.Unit.Images.Dockerfiles;

/// <summary>How the text of a Dockerfile becomes instructions (Dockerfile reference, "Format").</summary>
public sealed class DockerfileParserTests
{
    private static string Originals(string text) => string.Join('|', DockerfileParser.Parse(text).Instructions.Select(i => $"{i.Line} {i.Original}"));

    [Theory]
    [InlineData("FROM a\nRUN b\n", "1 FROM a|2 RUN b")]
    [InlineData("\ufeffFROM a", "1 FROM a")]
    [InlineData("FROM a\r\nRUN b \\\r\n  c\r\n", "1 FROM a|2 RUN b   c")]
    [InlineData("  FROM a  \n\n\n\tRUN b\t\n", "1 FROM a|4 RUN b")]
    [InlineData("RUN a \\\n# comment\n   # indented\n b", "1 RUN a  b")]
    [InlineData("RUN a \\\n\n b", "1 RUN a  b")]
    [InlineData("RUN a \\  \n b", "1 RUN a  b")]
    [InlineData("RUN a \\\\\nRUN b", "1 RUN a \\\\|2 RUN b")]
    [InlineData("RUN a \\", "1 RUN a")]
    [InlineData("# escape=`\nRUN a `\n b \\\nRUN c", "2 RUN a  b \\|4 RUN c")]
    [InlineData("# syntax = docker/dockerfile:1\n# escape = `\nRUN a `\nb", "3 RUN a b")]
    [InlineData("#comment\n# escape=`\nRUN a \\\nb", "3 RUN a b")]
    [InlineData("RUN <<EOF\nls\n# no comment\nEOF\nUSER x", "1 RUN <<EOF|5 USER x")]
    [InlineData("COPY <<a <<b /x\n1\na\n2\nb\nUSER x", "1 COPY <<a <<b /x|6 USER x")]
    [InlineData("CMD <<EOF\nUSER x", "1 CMD <<EOF|2 USER x")]
    [InlineData("RUN [\"cat\", \"<<EOF\"]\nUSER x", "1 RUN [\"cat\", \"<<EOF\"]|2 USER x")]
    public void Lines_become_instructions(string text, string expected) => Assert.Equal(expected, Originals(text));

    [Theory]
    [InlineData("RUN <<EOF\na\n\tb\nEOF\n", "EOF", true, "a\n\tb\n")]
    [InlineData("RUN <<-EOF\n\ta\n\tEOF\n", "EOF", true, "\ta\n")]
    [InlineData("RUN <<'EOF'\n$a\nEOF\n", "EOF", false, "$a\n")]
    [InlineData("RUN <<\"E F\"\na\nE F\n", "E F", false, "a\n")]
    [InlineData("RUN 3<<EOF cat\nEOF", "EOF", true, "")]
    [InlineData("RUN << EOF\na\nEOF\n", "EOF", true, "a\n")]
    public void Here_documents_are_collected(string text, string name, bool expands, string content)
    {
        var heredoc = Assert.Single(DockerfileParser.Parse(text).Instructions.Single().Heredocs);
        Assert.Equal((name, expands, content), (heredoc.Name, heredoc.Expand, heredoc.Content));
    }

    [Theory]
    [InlineData("COPY --from=a --chown=1:2 b c", "--from=a,--chown=1:2", "b c")]
    [InlineData("COPY --chown=\"a b\" c d", "--chown=a b", "c d")]
    [InlineData("COPY -- --odd d", "", "--odd d")]
    [InlineData("HEALTHCHECK --interval=1s\\ x CMD y", "--interval=1s x", "CMD y")]
    [InlineData("RUN -x --y", "", "-x --y")]
    public void Flags_are_taken_off(string text, string flags, string arguments)
    {
        var instruction = DockerfileParser.Parse(text).Instructions.Single();
        Assert.Equal((flags, arguments), (string.Join(',', instruction.Flags), instruction.Arguments));
    }

    [Theory]
    [InlineData("", "file with no instructions")]
    [InlineData("# escape=x\nFROM a", "invalid escape token 'x' does not match ` or \\")]
    [InlineData("# syntax=a\n# syntax=b\nFROM a", "only one syntax parser directive can be used")]
    [InlineData("RUN <<EOF\nnever ended", "unterminated heredoc")]
    [InlineData("CMD [\"a\", 1]", "when using JSON array syntax, arrays must be comprised of strings only")]
    [InlineData("ONBUILD ENV x", "ENV must have two arguments")]
    public void What_is_no_dockerfile_is_refused(string text, string message) => Assert.Equal(message, Assert.Throws<EngineException>(() => DockerfileParser.Parse(text)).Message);

    [Theory]
    [InlineData("[\"a\", \"b c\"]", "a,b c")]
    [InlineData("[]", "")]
    [InlineData("[\"a\"] x", null)]
    [InlineData("[\"a\"", null)]
    [InlineData("['a']", null)]
    [InlineData("[\"\\ud800\"]", null)]
    [InlineData(" [\"a\"]", null)]
    public void An_array_is_one_only_when_it_is_whole(string text, string? expected) =>
        Assert.Equal(expected, ArgumentForms.JsonArray(text) is { } words ? string.Join(',', words) : null);

    [Fact]
    public void An_empty_continuation_line_is_warned_of() => Assert.Equal(["Empty continuation line found in: RUN a  b"], DockerfileParser.Parse("RUN a \\\n\n b").Warnings);
}
