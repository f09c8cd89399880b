using Gantry.Protocol.Images;

namespace Gantry.Unit.Images.Dockerfiles;

/// <summary>The patterns of <c>.dockerignore</c> (Dockerfile reference, ".dockerignore file").</summary>
public sealed class IgnorePatternsTests
{
    [Theory]
    [InlineData("*.md", "a.md", true)]
    [InlineData("*.md", "d/a.md", false)]
    [InlineData("**/*.md", "d/e/a.md", true)]
    [InlineData("**/*.md", "a.md", true)]
    [InlineData("d", "d/a/b", true)]
    [InlineData("/d/", "d", true)]
    [InlineData("./d/../e", "e", true)]
    [InlineData("d/**", "d/a/b", true)]
    [InlineData("d/**", "d", false)]
    [InlineData("d/**/x", "d/a/b/x", true)]
    [InlineData("d/**/x", "d/x", true)]
    [InlineData("**", "anything/at/all", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("a[b-d]e", "ace", true)]
    [InlineData("a[^b-d]e", "ace", false)]
    [InlineData("a[^b]e", "a/e", false)]
    [InlineData("a\\*b", "a*b", true)]
    [InlineData("a\\*b", "axb", false)]
    [InlineData("*\n!keep", "keep", false)]
    [InlineData("*\n!keep", "other", true)]
    [InlineData("d\n!d/keep", "d/keep", false)]
    [InlineData("d\n!d/keep\nd/keep", "d/keep", true)]
    [InlineData("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true)]
    [InlineData("# a comment\n\n  a  ", "a", true)]
    [InlineData("# a comment", "# a comment", false)]
    [InlineData("!a", "a", false)]
    [InlineData("a+b(c)", "a+b(c)", true)]
    [InlineData("..", "a", false)]
    public void A_path_is_left_out_or_not(string patterns, string path, bool excluded) => Assert.Equal(excluded, IgnorePatterns.Parse(patterns).Excludes(path));

    [Theory]
    [InlineData("[a")]
    [InlineData("a\\")]
    [InlineData("!")]
    public void A_malformed_pattern_is_refused(string patterns) => Assert.Throws<FormatException>(() => IgnorePatterns.Parse(patterns));

    [Fact]
    public void Directories_with_exceptions_are_looked_into()
    {
        var patterns = IgnorePatterns.Parse("a\nb\n!b/keep");
        Assert.Equal((false, true), (patterns.MayContainExceptions("a"), patterns.MayContainExceptions("b")));
    }
}
