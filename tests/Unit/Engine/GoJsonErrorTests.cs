using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Protocol.Volumes;

namespace Gantry.Unit.Engine;

/// <summary>Texts recorded from dockerd 28.5.2 (golden 009, 108, and more of the kind asked of it).</summary>
public class GoJsonErrorTests
{
    private static string Error<T>(string json) where T : class =>
        Assert.Throws<EngineException>(() => RequestJson.Decode(Encoding.UTF8.GetBytes(json), WireJson.TypeInfo<T>())).Message;

    [Theory]
    [InlineData("""{bad""", "invalid character 'b' looking for beginning of object key string")]
    [InlineData("""{"a" """, "unexpected EOF")]
    [InlineData("""{"a":1,}""", "invalid character '}' looking for beginning of object key string")]
    [InlineData("""{"a" 1}""", "invalid character '1' after object key")]
    [InlineData("""{"a":1 "b"}""", "invalid character '\"' after object key:value pair")]
    [InlineData("""{"a":01}""", "invalid character '1' after object key:value pair")]
    [InlineData("""{"a":[1 2]}""", "invalid character '2' after array element")]
    [InlineData("""nulx""", "invalid character 'x' in literal null (expecting 'l')")]
    [InlineData("""truX""", "invalid character 'X' in literal true (expecting 'e')")]
    [InlineData("""fals3""", "invalid character '3' in literal false (expecting 'e')")]
    [InlineData("""tru""", "unexpected EOF")]
    [InlineData("\"abc", "unexpected EOF")]
    [InlineData("""["a\q"]""", "invalid escape sequence `\\q` in string")]
    [InlineData("""["a\u12G4"]""", "invalid escape sequence `\\u12G4` in string")]
    [InlineData("\"a\nb\"", "invalid character '\\n' in string")]
    [InlineData("1.x", "invalid character 'x' in numeric literal")]
    [InlineData("-x", "invalid character 'x' in numeric literal")]
    [InlineData("1e+x", "invalid character 'x' in numeric literal")]
    [InlineData("xyz", "invalid character 'x' looking for beginning of value")]
    [InlineData("}", "invalid character '}' looking for beginning of value")]
    [InlineData("{'a':1}", "invalid character '\\'' looking for beginning of object key string")]
    [InlineData("ä", "invalid character 'ä' looking for beginning of value")]
    public void A_syntax_error_is_told_in_the_words_of_Gos_decoder(string json, string expected) =>
        Assert.Equal("invalid JSON: " + expected, Error<ContainerCreateRequest>(json));

    [Theory]
    [InlineData("""{"Image":5}""", "number into Go struct field .Image of type string")]
    [InlineData("""{"Image":true}""", "bool into Go struct field .Image of type string")]
    [InlineData("""{"Image":{}}""", "object into Go struct field .Image of type string")]
    [InlineData("""{"image":[]}""", "array into Go struct field .image of type string")]
    [InlineData("""{"Tty":"yes"}""", "string into Go struct field .Tty of type bool")]
    [InlineData("""{"Env":"a"}""", "string into Go struct field .Env of type []string")]
    [InlineData("""{"Env":[1]}""", "number into .Env.0 of type string")]
    [InlineData("""{"Cmd":5}""", "number into Go value of type string")]
    [InlineData("""{"Cmd":[5]}""", "array into Go value of type string")]
    [InlineData("""{"Labels":[]}""", "array into Go struct field .Labels of type map[string]string")]
    [InlineData("""{"Labels":{"a":5}}""", "number into Go struct field .Labels.a of type string")]
    [InlineData("""{"HostConfig":5}""", "number into Go struct field .HostConfig of type container.HostConfig")]
    [InlineData("""{"HostConfig":{"Memory":"1g"}}""", "string into Go struct field .HostConfig.Memory of type int64")]
    [InlineData("""{"HostConfig":{"Memory":1.5}}""", "number 1.5 into Go struct field .HostConfig.Memory of type int64")]
    [InlineData("""{"HostConfig":{"Memory":99999999999999999999}}""", "number 99999999999999999999 into Go struct field .HostConfig.Memory of type int64")]
    [InlineData("""{"HostConfig":{"RestartPolicy":{"Name":5}}}""", "number into Go struct field .HostConfig.RestartPolicy.Name of type container.RestartPolicyMode")]
    [InlineData("""{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":80}]}}}""", "number into Go struct field .HostConfig.PortBindings.80~1tcp.0.HostPort of type string")]
    [InlineData("""{"HostConfig":{"PortBindings":{"80/tcp":5}}}""", "number into Go struct field .HostConfig.PortBindings.80~1tcp of type []nat.PortBinding")]
    [InlineData("""{"HostConfig":{"Mounts":[{"ReadOnly":"x"}]}}""", "string into Go struct field .HostConfig.Mounts.0.ReadOnly of type bool")]
    [InlineData("""{"HostConfig":{"NetworkMode":5}}""", "number into Go struct field .HostConfig.NetworkMode of type container.NetworkMode")]
    [InlineData("""{"HostConfig":{"PidsLimit":"a"}}""", "string into Go struct field .HostConfig.PidsLimit of type int64")]
    [InlineData("""{"ExposedPorts":{"80/tcp":5}}""", "number into Go struct field .ExposedPorts.80~1tcp of type struct {}")]
    [InlineData("""{"ExposedPorts":5}""", "number into Go struct field .ExposedPorts of type nat.PortSet")]
    [InlineData("""{"Healthcheck":{"Interval":"1s"}}""", "string into Go struct field .Healthcheck.Interval of type time.Duration")]
    [InlineData("""{"NetworkingConfig":{"EndpointsConfig":{"a":5}}}""", "number into Go struct field .NetworkingConfig.EndpointsConfig.a of type network.EndpointSettings")]
    [InlineData("\"str\"", "string into Go value of type container.CreateRequest")]
    [InlineData("5", "number into Go value of type container.CreateRequest")]
    [InlineData("[]", "array into Go value of type container.CreateRequest")]
    public void A_value_of_the_wrong_type_is_told_with_its_field_and_Gos_types(string json, string expected) =>
        Assert.Equal("invalid JSON: json: cannot unmarshal " + expected, Error<ContainerCreateRequest>(json));

    [Fact]
    public void Each_request_has_the_name_of_its_Go_type()
    {
        Assert.Equal("invalid JSON: json: cannot unmarshal number into Go struct field CreateOptions.Name of type string", Error<VolumeCreateRequest>("""{"Name":5}"""));
        Assert.Equal("invalid JSON: json: cannot unmarshal number into Go struct field ExecOptions.Cmd of type []string", Error<ExecCreateRequest>("""{"Cmd":5}"""));
        Assert.Equal("invalid JSON: json: cannot unmarshal string into Go struct field UpdateConfig.Memory of type int64", Error<ContainerUpdateRequest>("""{"Memory":"a"}"""));
    }

    [Fact]
    public void Something_after_the_value_is_an_error_of_its_own() =>
        Assert.Equal("unexpected content after JSON", Error<ContainerCreateRequest>("""{"Image":"x"} x"""));

    [Fact]
    public void A_hundred_thousand_open_brackets_are_an_error_and_nothing_worse() =>
        Assert.StartsWith("invalid JSON: ", Error<ContainerCreateRequest>(new string('[', 100_000)));

    [Fact]
    public void Deep_nesting_that_is_valid_is_an_error_and_nothing_worse() =>
        Assert.StartsWith("invalid JSON: ", Error<ContainerCreateRequest>("{\"Labels\":" + new string('[', 5_000) + new string(']', 5_000) + "}"));

    [Fact]
    public void Null_leaves_a_field_as_it_is()
    {
        var request = RequestJson.Decode("""{"Image":"a","Hostname":null,"Tty":null,"HostConfig":{"Memory":null,"Privileged":null,"PortBindings":{"80/tcp":null}}}"""u8, WireJson.TypeInfo<ContainerCreateRequest>())!;
        Assert.Equal(("a", "", false, 0L), (request.Image, request.Hostname, request.Tty, request.HostConfig!.Memory));
        Assert.True(request.HostConfig.PortBindings!.ContainsKey("80/tcp"));
    }

    [Fact]
    public void Unknown_fields_and_other_cases_are_accepted() =>
        Assert.Equal("a", RequestJson.Decode("""{"iMAGE":"a","Nonsense":{"x":[1,2,{}]}}"""u8, WireJson.TypeInfo<ContainerCreateRequest>())!.Image);

    [Fact]
    public void The_value_null_is_no_request() => Assert.Null(RequestJson.Decode("null"u8, WireJson.TypeInfo<ContainerCreateRequest>()));
}
