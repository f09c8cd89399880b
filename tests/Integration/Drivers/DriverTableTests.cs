using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Gantry.Integration.Drivers;

/// <summary>Holds the table in docs/exec-drivers.md: it says what the suite's rows say. <c>GANTRY_WRITE_GOLDEN=1</c> writes it anew.</summary>
public sealed class DriverTableTests
{
    private const string Begin = "<!-- table: begin -->\n", End = "<!-- table: end -->\n";

    [Fact]
    public void The_table_of_the_documentation_is_that_of_the_suite()
    {
        string path = Path.GetFullPath(Path.Combine(Here(), "../../../docs/exec-drivers.md"));
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = text.IndexOf(End, StringComparison.Ordinal);
        string table = Table();
        if (Environment.GetEnvironmentVariable("GANTRY_WRITE_GOLDEN") == "1") File.WriteAllText(path, text[..begin] + table + text[end..]);
        else Assert.Equal(table, text[begin..end]);
    }

    private static string Table()
    {
        string[] drivers = ["native", "runc", "crun", "lxc", "gantry-runtime"];
        var table = new StringBuilder("| behaviour | native | runc | crun | lxc | gantry-runtime |\n|---|---|---|---|---|---|\n");
        foreach (var method in typeof(DriverTests).GetMethods(BindingFlags.Public | BindingFlags.Instance).OrderBy(m => m.MetadataToken))
        {
            var rows = method.GetCustomAttributes<DriverAttribute>().ToDictionary(row => row.Name);
            if (rows.Count == 0) continue;
            table.Append("| ").Append(method.Name.Replace('_', ' '));
            foreach (string driver in drivers) table.Append(" | ").Append(!rows.TryGetValue(driver, out var row) ? "–" : row.Gap ?? "yes");
            table.Append(" |\n");
        }
        return table.ToString();
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
