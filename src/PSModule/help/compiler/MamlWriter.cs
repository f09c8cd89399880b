using System.Globalization;
using System.Xml.Linq;

namespace Gantry.PowerShell.Help;

/// <summary>Writes the help file that Get-Help reads (MAML as PowerShell's documentation describes it).</summary>
internal static class MamlWriter
{
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10", Command = "http://schemas.microsoft.com/maml/dev/command/2004/10", Dev = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly XNamespace Msh = "http://msh";

    public static void Write(string file, IEnumerable<CmdletTopic> topics) => new XDocument(
        new XElement(Msh + "helpItems", new XAttribute("schema", "maml"), topics.Select(Topic))).Save(file);

    private static XElement Topic(CmdletTopic topic)
    {
        var (cmdlet, page) = topic;
        return new XElement(
            Command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml), new XAttribute(XNamespace.Xmlns + "command", Command), new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(
                Command + "details",
                new XElement(Command + "name", cmdlet.Name),
                new XElement(Command + "verb", cmdlet.Verb),
                new XElement(Command + "noun", cmdlet.Noun),
                new XElement(Maml + "description", Paragraphs(cmdlet.Summary!))),
            new XElement(Maml + "description", Paragraphs(page.Description)),
            new XElement(Command + "syntax", cmdlet.Sets.Select(set => Syntax(cmdlet, page, set))),
            new XElement(Command + "parameters", cmdlet.Parameters.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => Parameter(p, page, p.Uses[0], full: true))),
            new XElement(Command + "inputTypes", cmdlet.Parameters.Where(p => p.Uses.Any(u => u.ByValue)).Select(p => Typed(Command + "inputType", p.TypeName))),
            new XElement(Command + "returnValues", cmdlet.Outputs.DefaultIfEmpty("None").Select(o => Typed(Command + "returnValue", o))),
            new XElement(Maml + "alertSet", new XElement(Maml + "alert", Paragraphs(Notes(cmdlet, page)))),
            new XElement(Command + "examples", page.Examples.Select(Example)),
            new XElement(Command + "relatedLinks", page.Links.Select(l => new XElement(Maml + "navigationLink", new XElement(Maml + "linkText", l), new XElement(Maml + "uri")))));
    }

    private static string Notes(CmdletModel cmdlet, MarkdownPage page) =>
        cmdlet.Aliases.Count == 0 ? page.Notes : $"Aliases: {string.Join(", ", cmdlet.Aliases)}.\n\n{page.Notes}".Trim();

    private static XElement Syntax(CmdletModel cmdlet, MarkdownPage page, string set)
    {
        var used = cmdlet.Parameters.Select(p => (Parameter: p, Use: p.In(set))).Where(p => p.Use is not null)
            .OrderBy(p => p.Use!.Position ?? int.MaxValue).ThenByDescending(p => p.Use!.Mandatory).ThenBy(p => p.Parameter.Name is "WhatIf" or "Confirm").ThenBy(p => p.Parameter.Name, StringComparer.Ordinal);
        return new XElement(Command + "syntaxItem", new XElement(Maml + "name", cmdlet.Name), used.Select(p => Parameter(p.Parameter, page, p.Use!, full: false)));
    }

    private static XElement Parameter(ParameterModel parameter, MarkdownPage page, ParameterUse use, bool full)
    {
        string pipeline = (use.ByValue, use.ByPropertyName) switch { (true, true) => "True (ByPropertyName, ByValue)", (true, false) => "True (ByValue)", (false, true) => "True (ByPropertyName)", _ => "False" };
        var element = new XElement(
            Command + "parameter",
            new XAttribute("required", use.Mandatory), new XAttribute("variableLength", parameter.Type.IsArray), new XAttribute("globbing", parameter.Wildcards),
            new XAttribute("pipelineInput", pipeline), new XAttribute("position", use.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(Maml + "name", parameter.Name),
            new XElement(Maml + "description", Paragraphs(Describe(parameter, page))));
        if (!parameter.IsSwitch && parameter.Values.Count > 0) element.Add(new XElement(Command + "parameterValueGroup", parameter.Values.Select(v => new XElement(Command + "parameterValue", new XAttribute("required", false), v))));
        else if (!parameter.IsSwitch) element.Add(new XElement(Command + "parameterValue", new XAttribute("required", true), new XAttribute("variableLength", parameter.Type.IsArray), parameter.TypeName));
        if (full) element.Add(new XElement(Dev + "type", new XElement(Maml + "name", parameter.TypeName), new XElement(Maml + "uri")), new XElement(Dev + "defaultValue", parameter.IsSwitch ? "False" : "None"));
        return element;
    }

    private static string Describe(ParameterModel parameter, MarkdownPage page)
    {
        string text = page.Parameters.GetValueOrDefault(parameter.Name) ?? parameter.Summary!;
        return parameter.Values.Count == 0 ? text : $"{text}\n\nPossible values: {string.Join(", ", parameter.Values)}.";
    }

    private static XElement Typed(XName name, string type) => new(name, new XElement(Dev + "type", new XElement(Maml + "name", type)), new XElement(Maml + "description", new XElement(Maml + "para")));

    private static XElement Example(Example example, int index) => new(
        Command + "example",
        new XElement(Maml + "title", $"Example {(index + 1).ToString(CultureInfo.InvariantCulture)}: {example.Title}"),
        new XElement(Dev + "code", example.Code),
        new XElement(Dev + "remarks", Paragraphs(example.Remarks)));

    /// <summary>Paragraphs are parted by empty lines; Markdown's marks for code are taken off.</summary>
    private static IEnumerable<XElement> Paragraphs(string text) =>
        text.Split("\n\n").Select(p => new XElement(Maml + "para", string.Join(p.TrimStart().StartsWith('-') ? '\n' : ' ', p.Trim().Split('\n')).Replace("`", "", StringComparison.Ordinal)));
}
