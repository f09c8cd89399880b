using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;

namespace Gantry.Unit.Images.Dockerfiles;

/// <summary>What can be said against a Dockerfile before it runs.</summary>
public sealed class StageParserTests
{
    [Theory]
    [InlineData("FROM a\nNOPE x", "dockerfile parse error on line 2: unknown instruction: NOPE (did you mean COPY?)")]
    [InlineData("FROM a\nFORM b", "dockerfile parse error on line 2: unknown instruction: FORM (did you mean FROM?)")]
    [InlineData("FROM a\nxyzzyx b", "dockerfile parse error on line 2: unknown instruction: xyzzyx")]
    [InlineData("FROM", "dockerfile parse error on line 1: FROM requires either one or three arguments")]
    [InlineData("FROM a b c", "dockerfile parse error on line 1: FROM requires either one or three arguments")]
    [InlineData("FROM a AS 1", "dockerfile parse error on line 1: invalid name for build stage: \"1\", name can't start with a number or contain symbols")]
    [InlineData("FROM --platfrm=x a", "dockerfile parse error on line 1: unknown flag: --platfrm (did you mean platform?)")]
    [InlineData("RUN x\nFROM a", "no build stage in current context")]
    [InlineData("FROM a\nENV x", "failed to parse Dockerfile: ENV must have two arguments")]
    [InlineData("FROM a\nENV", "dockerfile parse error on line 2: ENV requires at least one argument")]
    [InlineData("FROM a\nARG", "dockerfile parse error on line 2: ARG requires at least one argument")]
    [InlineData("FROM a\nARG =x", "dockerfile parse error on line 2: ARG names can not be blank")]
    [InlineData("FROM a\nCOPY x", "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined")]
    [InlineData("FROM a\nCOPY --from=x --from=y a b", "dockerfile parse error on line 2: duplicate flag specified: --from")]
    [InlineData("FROM a\nCOPY --link=maybe a b", "dockerfile parse error on line 2: expecting boolean value for flag --link, not: maybe")]
    [InlineData("FROM a\nCOPY --chown a b", "dockerfile parse error on line 2: missing a value on flag: --chown")]
    [InlineData("FROM a\nCOPY a <<EOF\nEOF", "dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination")]
    [InlineData("FROM a\nRUN --what=x y", "dockerfile parse error on line 2: unknown flag: --what")]
    [InlineData("FROM a\nSHELL /bin/sh", "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form")]
    [InlineData("FROM a\nSHELL []", "dockerfile parse error on line 2: SHELL requires at least one argument")]
    [InlineData("FROM a\nONBUILD MAINTAINER x", "dockerfile parse error on line 2: MAINTAINER isn't allowed as an ONBUILD trigger")]
    public void It_is_said_with_the_line(string text, string message) => Assert.Equal(message, Assert.Throws<EngineException>(() => StageParser.Parse(text, "Dockerfile")).Message);

    [Fact]
    public void Steps_are_counted_with_arguments_and_stages() => Assert.Equal(6, StageParser.Parse("ARG a\nARG b\nFROM c AS d\nRUN e\nFROM d\nUSER f", "Dockerfile").Steps);

    [Fact]
    public void A_target_ends_the_plan() => Assert.Equal(["a", "b"], StageParser.Parse("FROM x AS a\nFROM x AS B\nFROM x AS c", "Dockerfile").UpTo("b").Stages.Select(s => s.From.StageName));

    [Fact]
    public void Copies_know_their_heredocs_from_their_files()
    {
        var copy = (CopyCommand)StageParser.Parse("FROM a\nCOPY x <<y z /d/\ncontent\ny\n", "Dockerfile").Stages[0].Commands[0];
        Assert.Equal(("x,z", "y=content\n", "/d/"), (string.Join(',', copy.Sources), string.Join(',', copy.Heredocs.Select(h => $"{h.Name}={h.Content}")), copy.Destination));
    }
}
