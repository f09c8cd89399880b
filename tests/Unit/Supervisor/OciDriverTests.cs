using System.Text;
using System.Text.Json;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Oci;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Supervisor;

public sealed class OciDriverTests
{
    private static readonly BundlePaths Paths = new("/run/x/bundle");

    private static RuntimeSpec Translate(RuntimeSpec spec, params string[] joined) => OciConfig.Translate(spec, Paths, new HashSet<int> { 7, 8 }, joined.ToHashSet());

    [Fact]
    public void The_configuration_for_a_runtime_is_the_one_that_is_kept()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(Translate(DriverSpecs.Full(), "network"), OciJson.Default.RuntimeSpec);
        using var document = JsonDocument.Parse(json);
        GoldenFile.Matches("config.json", JsonSerializer.Serialize(document.RootElement, new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n");
    }

    [Fact]
    public void Zero_and_false_are_written_where_the_schema_requires_them()
    {
        string json = Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(Translate(DriverSpecs.Full()), OciJson.Default.RuntimeSpec));
        Assert.Contains("\"allow\":false", json, StringComparison.Ordinal);
        Assert.Contains("\"soft\":0", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_the_host_are_not_touched()
    {
        var spec = DriverSpecs.Full();
        spec.Linux.Namespaces.RemoveAll(n => n.Type == "uts");
        var translated = Translate(spec);
        Assert.Null(translated.Hostname);
        Assert.DoesNotContain("kernel.domainname", translated.Linux.Sysctl!.Keys);
    }

    [Theory]
    [InlineData("""{"level":"warning","msg":"w"}""" + "\n" + """{"level":"error","msg":"runc create failed: unable to start container process: exec: \"x\": executable file not found in $PATH"}""", "x", FailureKind.CommandNotFound, "runc create failed: unable to start container process: exec: \"x\": executable file not found in $PATH")]
    [InlineData("""{"msg":"executable file `x` not found in $PATH: No such file or directory","level":"error"}""", "x", FailureKind.CommandNotFound, "B: unable to start container process: exec: \"x\": executable file not found in $PATH")]
    [InlineData("""{"msg":"executable file `/x` not found: No such file or directory","level":"error"}""", "/x", FailureKind.CommandNotFound, "B: unable to start container process: exec: \"/x\": stat /x: no such file or directory")]
    [InlineData("""{"msg":"open executable: Permission denied","level":"error"}""", "/x", FailureKind.CommandNotExecutable, "B: unable to start container process: exec: \"/x\": permission denied")]
    [InlineData("""{"msg":"mount `a` to `b`: No such file or directory","level":"error"}""", "/x", FailureKind.Other, "mount `a` to `b`: No such file or directory")]
    [InlineData("""{"msg":"executable file `x` not found","level":"error"}""", null, FailureKind.Other, "executable file `x` not found")]
    [InlineData("not json", "x", FailureKind.Other, "last words")]
    [InlineData("""{"level":"err""", "x", FailureKind.Other, "last words")]
    public void What_a_runtime_says_of_its_failure_is_understood(string log, string? command, FailureKind kind, string message)
    {
        var failure = RuntimeFailure.Describe(log, "first words\nlast words\n", "nothing", "B", command);
        Assert.Equal((kind, message), (failure.Kind, failure.Message));
    }
}
