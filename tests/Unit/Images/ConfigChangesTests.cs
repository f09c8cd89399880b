using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Unit.Images;

/// <summary>Instructions as dockerd 28.5.2 takes and refuses them in <c>import --change</c>: each line was tried on it.</summary>
public sealed class ConfigChangesTests
{
    private static readonly JsonElement Unchanged = JsonSerializer.SerializeToElement(new ContainerConfig(), WireJson.TypeInfo<ContainerConfig>());

    /// <summary>The fields that differ from an empty configuration, as JSON.</summary>
    private static string Changed(ContainerConfig config)
    {
        var fields = JsonSerializer.SerializeToElement(config, WireJson.TypeInfo<ContainerConfig>()).EnumerateObject()
            .Where(p => !Unchanged.TryGetProperty(p.Name, out var before) || before.GetRawText() != p.Value.GetRawText())
            .Select(p => $"{p.Name}={JsonSerializer.Serialize(p.Value, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping })}");
        return string.Join(' ', fields);
    }

    [Theory]
    [InlineData("""CMD ["a", "b c"]""", """Cmd=["a","b c"]""")]
    [InlineData("CMD echo hi  there", """Cmd=["/bin/sh","-c","echo hi  there"]""")]
    [InlineData("CMD", """Cmd=["/bin/sh","-c"]""")]
    [InlineData("CMD [a, b]", """Cmd=["/bin/sh","-c","[a, b]"]""")]
    [InlineData("""CMD ["a" """, """Cmd=["/bin/sh","-c","[\"a\""]""")]
    [InlineData("""CMD ["a\u0041"]""", """Cmd=["aA"]""")]
    [InlineData("""ENTRYPOINT ["/x"]""", """Entrypoint=["/x"]""")]
    [InlineData("""ENTRYPOINT run me "quoted" """, """Entrypoint=["/bin/sh","-c","run me \"quoted\""]""")]
    [InlineData("""ENV A=1 B="two words" C='x y' D=a\ b""", """Env=["A=1","B=two words","C=x y","D=a b"]""")]
    [InlineData("ENV OLD style value here", """Env=["OLD=style value here"]""")]
    [InlineData("ENV PATH=/x:$PATH", """Env=["PATH=/x:"]""")]
    [InlineData("env lower=case", """Env=["lower=case"]""")]
    [InlineData("ENV X=$HOME", """Env=["X="]""")]
    [InlineData("ENV A=1\nENV B=2", """Env=["A=1","B=2"]""")]
    [InlineData("ENV A=1\\\n  B=2", """Env=["A=1","B=2"]""")]
    [InlineData("ENV A=1\nENV A=2 B=$A", """Env=["A=2","B=1"]""")]
    [InlineData("ENV A=${X:-def}", """Env=["A=def"]""")]
    [InlineData("ENV X=set\nENV A=${X:+alt} B=${Y:+alt} C=${X}y D=${Y-d}", """Env=["X=set","A=alt","B=","C=sety","D=d"]""")]
    [InlineData("""ENV A=\$x "quoted key"=v""", """Env=["A=$x","quoted key=v"]""")]
    [InlineData("EXPOSE 80 81/udp 90-92/tcp", """ExposedPorts={"80/tcp":{},"81/udp":{},"90/tcp":{},"91/tcp":{},"92/tcp":{}}""")]
    [InlineData("EXPOSE 80:8080", """ExposedPorts={"8080/tcp":{}}""")]
    [InlineData("""LABEL l1=v1 "l2"="v 2" l3='q'""", """Labels={"l1":"v1","l2":"v 2","l3":"q"}""")]
    [InlineData("LABEL legacy some value", """Labels={"legacy":"some value"}""")]
    [InlineData("LABEL multi=a \\\n other=b", """Labels={"multi":"a","other":"b"}""")]
    [InlineData("""LABEL a="x\"y" b='z\'""", """Labels={"a":"x\"y","b":"z\\"}""")]
    [InlineData("ONBUILD RUN echo x", """OnBuild=["RUN echo x"]""")]
    [InlineData("STOPSIGNAL SIGUSR1", "StopSignal=\"SIGUSR1\"")]
    [InlineData("STOPSIGNAL 9", "StopSignal=\"9\"")]
    [InlineData("USER bob:grp", "User=\"bob:grp\"")]
    [InlineData("USER a b", "User=\"a b\"")]
    [InlineData("""USER "q u" """, "User=\"q u\"")]
    [InlineData("VOLUME /a /b", """Volumes={"/a":{},"/b":{}}""")]
    [InlineData("""VOLUME ["/c d", "/e"]""", """Volumes={"/c d":{},"/e":{}}""")]
    [InlineData("WORKDIR /w", "WorkingDir=\"/w\"")]
    [InlineData("WORKDIR sub/../y", "WorkingDir=\"/y\"")]
    [InlineData("WORKDIR /a\nWORKDIR b", "WorkingDir=\"/a/b\"")]
    [InlineData("""WORKDIR "/q u" """, "WorkingDir=\"/q u\"")]
    [InlineData("HEALTHCHECK NONE", """Healthcheck={"Test":["NONE"]}""")]
    [InlineData("""HEALTHCHECK CMD ["a","b"]""", """Healthcheck={"Test":["CMD","a","b"]}""")]
    [InlineData("HEALTHCHECK --timeout=0s CMD x", """Healthcheck={"Test":["CMD-SHELL","x"]}""")]
    [InlineData("""HEALTHCHECK --interval=5s --timeout=3s --retries=4 --start-period=1m --start-interval=2s CMD curl -f "http://x" """,
        """Healthcheck={"Test":["CMD-SHELL","curl -f \"http://x\""],"Interval":5000000000,"Timeout":3000000000,"StartPeriod":60000000000,"StartInterval":2000000000,"Retries":4}""")]
    [InlineData("# a comment\nUSER x\n\n# another", "User=\"x\"")]
    public void An_instruction_changes_the_configuration(string changes, string expected) =>
        Assert.Equal(expected, Changed(ConfigChanges.Apply(new ContainerConfig(), [changes])));

    [Theory]
    [InlineData("", "file with no instructions")]
    [InlineData("# comment", "file with no instructions")]
    [InlineData("FOO bar", "FOO is not a valid change command")]
    [InlineData("RUN ls", "RUN is not a valid change command")]
    [InlineData("ARG x=1", "ARG is not a valid change command")]
    [InlineData("MAINTAINER me", "MAINTAINER is not a valid change command")]
    [InlineData("SHELL [\"/bin/bash\",\"-c\"]", "SHELL is not a valid change command")]
    [InlineData("CMD [\"a\", 1]", "when using JSON array syntax, arrays must be comprised of strings only")]
    [InlineData("ENV bar", "ENV must have two arguments")]
    [InlineData("ENV A=1 B", "Syntax error - can't find = in \"B\". Must be of the form: name=value")]
    [InlineData("ENV =x", "ENV names can not be blank")]
    [InlineData("LABEL =x", "LABEL names can not be blank")]
    [InlineData("LABEL a", "LABEL must have two arguments")]
    [InlineData("ENV A=\"unterminated", "failed to process \"\\\"unterminated\": unexpected end of statement while looking for matching double-quote")]
    [InlineData("USER", "USER requires exactly one argument")]
    [InlineData("WORKDIR", "WORKDIR requires exactly one argument")]
    [InlineData("VOLUME", "VOLUME requires at least one argument")]
    [InlineData("VOLUME [\"\"]", "VOLUME specified can not be an empty string")]
    [InlineData("VOLUME $V", "VOLUME specified can not be an empty string")]
    [InlineData("STOPSIGNAL BOGUS", "invalid signal: BOGUS")]
    [InlineData("STOPSIGNAL $SIG", "invalid signal: ")]
    [InlineData("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD")]
    [InlineData("HEALTHCHECK FOO x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)")]
    [InlineData("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments")]
    [InlineData("HEALTHCHECK --interval=1ns CMD x", "Interval \"interval\" cannot be less than 1ms")]
    [InlineData("HEALTHCHECK --interval=abc CMD x", "time: invalid duration \"abc\"")]
    [InlineData("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)")]
    [InlineData("HEALTHCHECK --retries=x CMD x", "strconv.ParseInt: parsing \"x\": invalid syntax")]
    [InlineData("HEALTHCHECK --bogus=1 CMD x", "unknown flag: --bogus")]
    [InlineData("ONBUILD", "ONBUILD requires at least one argument")]
    [InlineData("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger")]
    [InlineData("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")]
    [InlineData("EXPOSE", "EXPOSE requires at least one argument")]
    [InlineData("EXPOSE abc", "Invalid containerPort: abc")]
    [InlineData("EXPOSE 70000", "Invalid containerPort: 70000")]
    [InlineData("EXPOSE 80/xyz", "Invalid proto: xyz")]
    public void A_malformed_instruction_is_refused(string changes, string message)
    {
        var error = Assert.Throws<EngineException>(() => ConfigChanges.Apply(new ContainerConfig(), [changes]));
        Assert.Equal((ErrorKind.InvalidParameter, message), (error.Kind, error.Message));
    }

    [Fact]
    public void A_new_entry_point_takes_the_old_command_away() =>
        Assert.Null(ConfigChanges.Apply(new ContainerConfig { Cmd = ["old"] }, ["ENTRYPOINT [\"/x\"]"]).Cmd);

    [Fact]
    public void The_given_configuration_stays_as_it_was()
    {
        var before = new ContainerConfig { Env = ["A=1"], Labels = new() { ["a"] = "b" } };
        ConfigChanges.Apply(before, ["ENV A=2", "LABEL a=c"]);
        Assert.Equal(("A=1", "b"), (before.Env![0], before.Labels!["a"]));
    }

    [Fact]
    public void Random_text_only_ever_gives_a_refusal()
    {
        var random = new Random(7);
        const string Alphabet = "ENVCMDLABEL ONBUILDEXPOSE \"'\\$={}[]:-+?abc\n\t#/89";
        for (int round = 0; round < 20_000; round++)
        {
            string text = (round % 3 == 0 ? "ENV " : round % 3 == 1 ? "LABEL a=" : "HEALTHCHECK ") + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                ConfigChanges.Apply(new ContainerConfig(), [text]);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.InvalidParameter)
            {
                // As it should be.
            }
        }
    }
}
