namespace Gantry.PowerShell.Help;

internal sealed record Example(string Title, string Code, string Remarks);

/// <summary>A cmdlet and the page that somebody wrote about it.</summary>
internal sealed record CmdletTopic(CmdletModel Cmdlet, MarkdownPage Page);

/// <summary>A help page: <c># Name</c>, a description, <c>## Examples</c> with <c>### Title</c>, and, where there is more to say, <c>## Parameters</c> with <c>### -Name</c>, <c>## Notes</c> and <c>## Links</c>.</summary>
internal sealed record MarkdownPage(string Title, string Description, IReadOnlyList<Example> Examples, IReadOnlyDictionary<string, string> Parameters, string Notes, IReadOnlyList<string> Links)
{
    public static MarkdownPage Parse(string text)
    {
        var sections = Split(text.Replace("\r\n", "\n", StringComparison.Ordinal), "## ");
        var head = Split(sections[0].Body, "# ");
        string Section(string name) => sections.Skip(1).FirstOrDefault(s => s.Title == name).Body ?? "";
        return new MarkdownPage(
            head.Count > 1 ? head[1].Title : "",
            head.Count > 1 ? head[1].Body.Trim() : "",
            [.. Split(Section("Examples"), "### ").Skip(1).Select(ReadExample)],
            Split(Section("Parameters"), "### -").Skip(1).ToDictionary(p => p.Title, p => p.Body.Trim(), StringComparer.Ordinal),
            Section("Notes").Trim(),
            [.. Section("Links").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.TrimStart('-', ' '))]);
    }

    /// <summary>What the page lacks.</summary>
    public IEnumerable<string> Check(CmdletModel cmdlet)
    {
        if (Title != cmdlet.Name) yield return $"the page is titled '{Title}'";
        if (string.IsNullOrEmpty(cmdlet.Summary)) yield return "the cmdlet's class has no summary";
        if (Description.Length == 0) yield return "there is no description";
        if (Examples.Count < 2) yield return "there are fewer than two examples";
        foreach (var example in Examples.Where(e => e.Code.Length == 0)) yield return $"the example '{example.Title}' has no code";
        foreach (var parameter in cmdlet.Parameters.Where(p => string.IsNullOrEmpty(p.Summary) && !Parameters.ContainsKey(p.Name))) yield return $"the parameter -{parameter.Name} is not described";
        foreach (string name in Parameters.Keys.Where(n => !cmdlet.Parameters.Any(p => p.Name == n))) yield return $"there is no parameter -{name}";
    }

    private static Example ReadExample((string Title, string Body) section)
    {
        int start = section.Body.IndexOf("```powershell\n", StringComparison.Ordinal), end = start < 0 ? -1 : section.Body.IndexOf("\n```", start, StringComparison.Ordinal);
        return end < 0
            ? new Example(section.Title, "", section.Body.Trim())
            : new Example(section.Title, section.Body[(start + "```powershell\n".Length)..end], (section.Body[..start] + section.Body[(end + 4)..]).Trim());
    }

    /// <summary>Cuts at lines that begin with the marker, outside of code. The first piece is what stands before any of them.</summary>
    private static List<(string Title, string Body)> Split(string text, string marker)
    {
        var pieces = new List<(string Title, List<string> Lines)> { ("", []) };
        bool code = false;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) code = !code;
            if (!code && line.StartsWith(marker, StringComparison.Ordinal)) pieces.Add((line[marker.Length..].Trim(), []));
            else pieces[^1].Lines.Add(line);
        }
        return [.. pieces.Select(p => (p.Title, string.Join('\n', p.Lines)))];
    }
}
