using Gantry.Daemon.Engine;

namespace Gantry.Unit.Engine;

public class FiltersTests
{
    private static readonly HashSet<string> Known = ["name", "label", "dangling"];

    [Theory]
    [InlineData("""{"name":["a","b"]}""")]
    [InlineData("""{"name":{"a":true,"b":true,"c":false}}""")]
    public void Both_forms_are_read(string text) => Assert.Equal(["a", "b"], Filters.Parse(text, Known)["name"]);

    [Theory]
    [InlineData("nojson")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("""{"name":"a"}""")]
    [InlineData("""{"name":{"a":1}}""")]
    [InlineData("""{"name":[5]}""")]
    public void What_is_no_filter_is_refused(string text)
    {
        var error = Assert.Throws<EngineException>(() => Filters.Parse(text, Known));
        Assert.Equal((ErrorKind.InvalidParameter, "invalid filter"), (error.Kind, error.Message));
    }

    [Fact]
    public void An_unknown_key_is_named() =>
        Assert.Equal("invalid filter 'nope'", Assert.Throws<EngineException>(() => Filters.Parse("""{"nope":["x"]}""", Known)).Message);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    public void Nothing_filters_nothing(string? text) => Assert.True(Filters.Parse(text, Known).IsEmpty);

    [Fact]
    public void Values_of_a_key_are_alternatives_and_labels_are_not()
    {
        var filters = Filters.Parse("""{"name":["a","b"],"label":["x","y=1"]}""", Known);
        Assert.True(filters.MatchesExactly("name", "b"));
        Assert.False(filters.MatchesExactly("name", "c"));
        Assert.True(filters.MatchesLabels("label", new Dictionary<string, string> { ["x"] = "", ["y"] = "1" }));
        Assert.False(filters.MatchesLabels("label", new Dictionary<string, string> { ["x"] = "" }));
    }

    [Fact]
    public void A_pattern_that_is_no_regular_expression_still_matches_as_text()
    {
        var filters = Filters.Parse("""{"name":["a["]}""", Known);
        Assert.True(filters.MatchesPattern("name", "xa[b"));
        Assert.False(filters.MatchesPattern("name", "ab"));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("false", false)]
    [InlineData("0", false)]
    public void Truth_values_have_two_spellings(string text, bool expected) => Assert.Equal(expected, Filters.Parse($$"""{"dangling":["{{text}}"]}""", Known).Boolean("dangling"));

    [Fact]
    public void A_truth_value_that_is_none_is_refused() =>
        Assert.Equal("invalid filter 'dangling=[x]'", Assert.Throws<EngineException>(() => Filters.Parse("""{"dangling":["x"]}""", Known).Boolean("dangling")).Message);
}
