using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Gantry.PowerShell.Help;

/// <summary>The summaries of the compiler's documentation file, as plain text.</summary>
internal sealed partial class DocComments(IReadOnlyDictionary<string, string> summaries)
{
    public static DocComments Load(string file) => new(XDocument.Load(file).Descendants("member")
        .Where(m => m.Element("summary") is not null)
        .ToDictionary(m => m.Attribute("name")!.Value, m => Text(m.Element("summary")!), StringComparer.Ordinal));

    /// <summary>Of a type: <c>T:Name</c>.</summary>
    public string? OfType(Type type) => summaries.GetValueOrDefault("T:" + type.FullName);

    /// <summary>Of a property: its own, else that of an interface that asks for it.</summary>
    public string? OfProperty(Type declaring, string name) =>
        summaries.GetValueOrDefault($"P:{declaring.FullName}.{name}")
        ?? declaring.GetInterfaces().Select(i => summaries.GetValueOrDefault($"P:{i.FullName}.{name}")).FirstOrDefault(s => s is not null);

    private static string Text(XElement element)
    {
        string text = string.Concat(element.Nodes().Select(n => n switch
        {
            XText t => t.Value,
            XElement { Name.LocalName: "see" } see => (see.Attribute("cref")?.Value ?? "").Split('.')[^1],
            XElement inner => inner.Value,
            _ => "",
        }));
        return Spaces().Replace(text, " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
