using System.Text;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Cuts a Dockerfile into instructions: directives read, comments dropped, continued lines joined, here-documents collected, keyword and flags taken off.</summary>
internal sealed class DockerfileParser
{
    /// <summary>The character that continues a line and takes a character's meaning away, unless a directive names another.</summary>
    public const char DefaultEscape = '\\';

    /// <summary>dockerd's limit for a line, in bytes.</summary>
    private const int LongestLine = 65535;

    private readonly string[] lines;
    private readonly ParserDirectives directives = new();
    private readonly List<Instruction> instructions = [];
    private readonly List<string> warnings = [];
    private int next;

    private DockerfileParser(string text)
    {
        lines = text.TrimStart('\ufeff').Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1];
    }

    /// <exception cref="EngineException">400, in dockerd's words: the text is no Dockerfile.</exception>
    public static DockerfileText Parse(string text) => new DockerfileParser(text).Run();

    private DockerfileText Run()
    {
        while (next < lines.Length)
        {
            string line = Line(next++).TrimStart();
            directives.Read(line);
            if (line.StartsWith('#')) continue;
            int first = next;
            string text = JoinContinuations(line);
            if (text.Trim().Length == 0) continue;
            var instruction = Split(first, text, directives.Escape);
            instructions.Add(instruction with { Heredocs = ReadHeredocs(instruction, text) });
        }
        return instructions.Count > 0 ? new DockerfileText(instructions, directives.Escape, warnings) : throw EngineException.InvalidParameter("file with no instructions");
    }

    private string Line(int index)
    {
        string line = lines[index];
        if (line.Length > LongestLine || (line.Length > LongestLine / 3 && Encoding.UTF8.GetByteCount(line) > LongestLine - 1))
            throw EngineException.InvalidParameter($"dockerfile line greater than max allowed size of {LongestLine}");
        return line.TrimEnd('\r');
    }

    /// <summary>Comments between continued lines are left out; so are empty lines, which Docker means to refuse one day.</summary>
    private string JoinContinuations(string line)
    {
        var joined = new StringBuilder();
        bool continues = TakeContinuation(ref line), sawEmpty = false;
        joined.Append(line);
        if (!continues || (line.Length == 0 && next >= lines.Length)) return joined.ToString();
        while (continues && next < lines.Length)
        {
            string more = Line(next++);
            if (more.AsSpan().TrimStart().StartsWith("#")) continue;
            if (string.IsNullOrWhiteSpace(more))
            {
                sawEmpty = true;
                continue;
            }
            continues = TakeContinuation(ref more);
            joined.Append(more);
        }
        if (sawEmpty) warnings.Add("Empty continuation line found in: " + joined);
        return joined.ToString();
    }

    /// <summary>An escape at the line's end, with blanks behind it or not, unless another one stands before it.</summary>
    private bool TakeContinuation(ref string line)
    {
        char escape = directives.Escape;
        string trimmed = line.TrimEnd(' ', '\t');
        if (!trimmed.EndsWith(escape) || (trimmed.Length > 1 && trimmed[^2] == escape)) return false;
        line = trimmed[..^1];
        return true;
    }

    private List<Heredoc> ReadHeredocs(Instruction instruction, string line)
    {
        if (!Heredocs.MayHave(instruction, directives.Escape)) return [];
        var read = new List<Heredoc>();
        foreach (var heredoc in Heredocs.Find(line))
        {
            var content = new StringBuilder();
            bool ended = false;
            while (!ended && next < lines.Length)
            {
                string raw = lines[next++], candidate = raw.TrimEnd('\r');
                ended = (heredoc.StripTabs ? candidate.TrimStart('\t') : candidate) == heredoc.Name;
                if (!ended) content.Append(raw).Append('\n');
            }
            if (!ended) throw EngineException.InvalidParameter("unterminated heredoc");
            read.Add(heredoc with { Content = content.ToString() });
        }
        return read;
    }

    /// <summary>Takes the keyword and the flags off one instruction's text, and cuts up its arguments.</summary>
    public static Instruction Split(int line, string text, char escape = DefaultEscape)
    {
        string original = text.Trim();
        int end = original.IndexOfAny(ArgumentForms.Blanks);
        string written = end < 0 ? original : original[..end];
        var flags = new List<string>();
        string rest = end < 0 ? "" : FlagWords.Take(original[end..].TrimStart(ArgumentForms.Blanks), escape, flags).Trim();
        var instruction = new Instruction(line, written.ToUpperInvariant(), flags, rest, original) { WrittenKeyword = written };
        return ArgumentForms.CutUp(instruction, escape);
    }
}
