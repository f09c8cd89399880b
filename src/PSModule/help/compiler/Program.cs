using Gantry.PowerShell.Help;

// HelpCompiler MODULE.dll REFERENCE-DIRECTORIES(;) MARKDOWN-DIRECTORY OUTPUT.xml
if (args.Length != 4)
{
    Console.Error.WriteLine("usage: HelpCompiler MODULE.dll REFERENCE-DIRECTORIES MARKDOWN-DIRECTORY OUTPUT.xml");
    return 2;
}

var comments = DocComments.Load(Path.ChangeExtension(args[0], ".xml"));
var problems = new List<string>();
var topics = new List<CmdletTopic>();
foreach (var cmdlet in CmdletModel.Read(args[0], args[1].Split(';', StringSplitOptions.RemoveEmptyEntries), comments))
{
    string file = Path.Combine(args[2], cmdlet.Name + ".md");
    if (!File.Exists(file))
    {
        problems.Add($"{file}: error GH0001: the cmdlet {cmdlet.Name} has no help page");
        continue;
    }
    var page = MarkdownPage.Parse(File.ReadAllText(file));
    problems.AddRange(page.Check(cmdlet).Select(p => $"{file}: error GH0002: {p}"));
    topics.Add(new CmdletTopic(cmdlet, page));
}
var known = topics.Select(t => t.Cmdlet.Name).ToHashSet(StringComparer.Ordinal);
problems.AddRange(Directory.GetFiles(args[2], "*.md").Where(f => !known.Contains(Path.GetFileNameWithoutExtension(f)) && !problems.Exists(p => p.StartsWith(f, StringComparison.Ordinal)))
    .Select(f => $"{f}: error GH0003: there is no such cmdlet"));
foreach (string problem in problems) Console.Error.WriteLine(problem);
if (problems.Count > 0) return 1;

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(args[3]))!);
MamlWriter.Write(args[3], topics);
return 0;
