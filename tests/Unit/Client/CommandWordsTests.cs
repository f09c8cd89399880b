using System.Text;
using Gantry.Daemon.Client;
using Gantry.Daemon.Options;
using Gantry.Protocol.Engine;

namespace Gantry.Unit.Client;

public class CommandWordsTests
{
    private static readonly CommandDescription Start = new()
    {
        Name = "start",
        Parameters =
        [
            new() { Name = "name", Type = "string", In = "path", Required = true, Position = 0 },
            new() { Name = "all", Type = "boolean", In = "query" },
            new() { Name = "limit", Type = "integer", In = "query" },
            new() { Name = "filters", Type = "object", In = "query" },
            new() { Name = "signals", Type = "strings", In = "query" },
        ],
    };

    private static readonly CommandDescription Create = new()
    {
        Name = "create",
        Parameters = [new() { Name = "name", Type = "string", In = "query", Position = 0 }, new() { Name = "body", Type = "object", In = "body", Required = true }],
    };

    private static readonly CommandDescription Top = new()
    {
        Name = "top",
        Parameters = [new() { Name = "name", Type = "string", In = "path", Required = true, Position = 0 }, new() { Name = "arguments", Type = "strings", In = "query", Position = 1 }],
    };

    private static string Read(CommandDescription command, params string[] words) => CommandWords.Read(command, words).ToJsonString();

    [Theory]
    [InlineData("""{"name":"web"}""", "web")]
    [InlineData("""{"name":"web"}""", "--name", "web")]
    [InlineData("""{"name":"web"}""", "--NAME=web")]
    [InlineData("""{"name":"web","all":true}""", "web", "--all")]
    [InlineData("""{"all":false,"name":"web"}""", "--all=false", "web")]
    [InlineData("""{"all":true,"name":"web"}""", "--all", "web")]
    [InlineData("""{"name":"5","limit":5}""", "5", "--limit", "5")]
    [InlineData("""{"name":"web","filters":{"a":["b"]}}""", "web", "--filters", """{"a":["b"]}""")]
    [InlineData("""{"name":"web","signals":["A","B"]}""", "web", "--signals", "A", "--signals=B")]
    [InlineData("""{"name":"--all"}""", "--", "--all")]
    [InlineData("""{"name":"-x"}""", "-x")]
    public void Words_become_arguments_by_the_description(string expected, params string[] words) => Assert.Equal(expected, Read(Start, words));

    [Fact]
    public void The_last_list_takes_the_rest() => Assert.Equal("""{"name":"web","arguments":["a","b","c"]}""", Read(Top, "web", "a", "b", "c"));

    [Theory]
    [InlineData("""{"name":"web","Image":"busybox"}""", "web", "--Image", "busybox")]
    [InlineData("""{"HostConfig":{"Memory":64,"Privileged":true}}""", "--HostConfig.Memory", "64", "--HostConfig.Privileged")]
    [InlineData("""{"Env":["A=1","B=2","C=3"]}""", "--Env", "A=1", "--Env=B=2", "--Env", "C=3")]
    [InlineData("""{"Cmd":["sh","-c"]}""", "--Cmd", """["sh","-c"]""")]
    [InlineData("""{"Tty":true,"Image":"x"}""", "--Tty", "--Image", "x")]
    [InlineData("""{"body":{"Image":"x"}}""", "--body", """{"Image":"x"}""")]
    public void Fields_of_a_body_are_given_by_their_names(string expected, params string[] words) => Assert.Equal(expected, Read(Create, words));

    [Theory]
    [InlineData("start: the argument 'name' is missing")]
    [InlineData("start: flag provided but not defined: --nosuch", "web", "--nosuch")]
    [InlineData("start: unexpected argument: more", "web", "more")]
    [InlineData("start: flag needs an argument: --limit", "web", "--limit")]
    [InlineData("start: invalid value \"x\" for --limit: it is not a whole number", "web", "--limit", "x")]
    [InlineData("start: invalid boolean value \"maybe\" for --all", "web", "--all=maybe")]
    public void What_does_not_fit_is_a_usage_error(string expected, params string[] words)
    {
        var error = Assert.Throws<OptionsException>(() => CommandWords.Read(Start, words));
        Assert.Equal((expected, true), (error.Message, error.Usage));
    }

    private static string Write(string json, bool forPeople)
    {
        var output = new MemoryStream();
        AnswerWriter.WriteJson(Encoding.UTF8.GetBytes(json), output, forPeople);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Fact]
    public void Answers_are_indented_for_people_and_lists_have_lines_for_programs()
    {
        Assert.Equal("{\n  \"a\": [\n    1\n  ]\n}\n", Write("""{"a":[1]}""", true));
        Assert.Equal("{\"a\":[1]}\n", Write("""{ "a": [1] }""", false));
        Assert.Equal("[\n{\"a\":\"<ä>\"},\n{\"b\":2}\n]\n", Write("""[{"a":"<ä>"},{"b":2}]""", false));
        Assert.Equal("[]\n", Write("[]", false));
    }

    [Theory]
    [InlineData("{\"status\":\"a\"}\r\n{\"errorDetail\":{\"message\":\"x\"},\"error\":\"x\"}\r\n", false)]
    [InlineData("{\"status\":\"a\"}\r\n", true)]
    [InlineData("", true)]
    public async Task A_stream_that_ends_in_an_error_is_a_failure(string text, bool expected)
    {
        var output = new MemoryStream();
        Assert.Equal(expected, await AnswerWriter.CopyAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), output, default));
        Assert.Equal(text, Encoding.UTF8.GetString(output.ToArray()));
    }

    [Theory]
    [InlineData(null, null, null, "unix:///run/gantry/gantry.sock")]
    [InlineData(null, null, "unix:///docker.sock", "unix:///docker.sock")]
    [InlineData(null, "unix:///gantry.sock", "unix:///docker.sock", "unix:///gantry.sock")]
    [InlineData("tcp://h:1", "unix:///gantry.sock", null, "tcp://h:1")]
    public void The_engine_is_named_by_flag_or_environment(string? flag, string? gantryHost, string? dockerHost, string expected)
    {
        var options = ClientOptions.Read(flag is null ? ["ps"] : ["-H", flag, "ps"], name => name == "GANTRY_HOST" ? gantryHost : name == "DOCKER_HOST" ? dockerHost : null, out var rest);
        Assert.Equal((expected, "ps"), (options.Host.ToString(), Assert.Single(rest)));
    }

    [Fact]
    public void Two_engines_at_once_are_one_too_many() =>
        Assert.Equal("Please specify only one -H", Assert.Throws<OptionsException>(() => ClientOptions.Read(["-H", "a:1", "-H", "b:2"], _ => null, out _)).Message);
}
