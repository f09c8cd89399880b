using System.Text.RegularExpressions;

namespace Gantry.Unit;

/// <summary>Imports run one way (docs: the house). Read from the sources, so that an arrow in the wrong direction is named with its file.</summary>
public partial class ArchitectureTests
{
    private static readonly string[] Services = ["Builds", "Containers", "Events", "Execution", "Images", "Networks", "Registries", "Storage", "SystemInfo", "Volumes"];

    [GeneratedRegex(@"^\s*using\s+(?:static\s+)?(Gantry\.[A-Za-z.]+);", RegexOptions.Multiline)]
    private static partial Regex Import();

    /// <summary>Imports of the files below a folder of <c>src</c>: file and namespace.</summary>
    private static IEnumerable<(string File, string Namespace)> ImportsOf(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(file => Import().Matches(File.ReadAllText(file)).Select(m => (Path.GetRelativePath(Repository.Root, file), m.Groups[1].Value)));

    private static bool IsIn(string name, string room) => name == room || name.StartsWith(room + ".", StringComparison.Ordinal);

    private static void AssertOnly(string folder, params string[] allowed) =>
        Assert.DoesNotContain(ImportsOf(folder), i => !allowed.Any(room => IsIn(i.Namespace, room)));

    private static void AssertNone(string folder, params string[] forbidden) =>
        Assert.DoesNotContain(ImportsOf(folder), i => forbidden.Any(room => IsIn(i.Namespace, room)));

    [Fact]
    public void Linux_imports_no_other_room() => AssertOnly("Linux", "Gantry.Linux");

    [Fact]
    public void Protocol_imports_no_other_room() => AssertOnly("Protocol", "Gantry.Protocol");

    [Fact]
    public void The_supervisor_imports_the_kernel_layer_alone() => AssertOnly("Supervisor", "Gantry.Supervisor", "Gantry.Linux");

    [Fact]
    public void The_module_imports_the_wire_alone() => AssertOnly("PSModule", "Gantry.PowerShell", "Gantry.Protocol", "Gantry.HelpCompiler");

    [Fact]
    public void The_engine_knows_no_service_and_no_http() => AssertOnly("Daemon/Engine", "Gantry.Daemon.Engine", "Gantry.Protocol");

    [Fact]
    public void The_api_knows_the_engine_and_no_service() =>
        AssertNone("Daemon/Api", [.. Services.Select(s => "Gantry.Daemon." + s), "Gantry.Daemon.Hosting", "Gantry.Daemon.Client", "Gantry.Supervisor"]);

    [Fact]
    public void No_service_imports_the_api_or_what_starts_it() =>
        Assert.All(Services, service => AssertNone("Daemon/" + service, "Gantry.Daemon.Api", "Gantry.Daemon.Hosting", "Gantry.Daemon.Roles", "Gantry.Daemon.Client", "Microsoft.AspNetCore"));

    [Fact]
    public void The_client_imports_addresses_and_the_wire_alone() => AssertOnly("Daemon/Client", "Gantry.Daemon.Client", "Gantry.Daemon.Options", "Gantry.Protocol");

    [Fact]
    public void Storage_imports_no_service() => AssertOnly("Daemon/Storage", "Gantry.Daemon.Storage", "Gantry.Linux");
}
