using System.Text;
using System.Text.RegularExpressions;

namespace Gantry.Protocol.Images;

/// <summary>The patterns of a <c>.dockerignore</c> file (Dockerfile reference, ".dockerignore file"): <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>**</c>, and <c>!</c> for exceptions.</summary>
public sealed class IgnorePatterns
{
    private readonly List<(Regex Expression, bool Excepts, string Text)> patterns = [];

    private IgnorePatterns()
    {
    }

    /// <summary>Nothing is left out.</summary>
    public static IgnorePatterns None { get; } = new();

    /// <summary>Some pattern takes things in again: what lies below a directory that is left out must be looked at too.</summary>
    public bool HasExceptions { get; private set; }

    public bool IsEmpty => patterns.Count == 0;

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="FormatException">A pattern is malformed.</exception>
    public static IgnorePatterns Parse(string text) =>
        Of(text.TrimStart('\ufeff').Split('\n').Select(l => l.TrimEnd('\r')).Where(l => !l.StartsWith('#')));

    /// <exception cref="FormatException">A pattern is malformed.</exception>
    public static IgnorePatterns Of(IEnumerable<string> lines)
    {
        var result = new IgnorePatterns();
        foreach (string line in lines)
        {
            string pattern = line.Trim();
            if (pattern.Length == 0) continue;
            bool excepts = pattern.StartsWith('!');
            if (excepts) pattern = pattern[1..].Trim();
            if (pattern.Length == 0) throw new FormatException("illegal exclusion pattern: \"!\"");
            pattern = Clean(pattern).TrimStart('/');
            if (pattern.Length == 0) continue;
            result.patterns.Add((Expression(pattern), excepts, pattern));
            result.HasExceptions |= excepts;
        }
        return result;
    }

    /// <summary>Whether a path is left out: the last pattern that fits it, or a directory above it, decides.</summary>
    /// <param name="path">From the context's root, with slashes.</param>
    public bool Excludes(string path)
    {
        bool excluded = false;
        foreach (var (expression, excepts, _) in patterns)
        {
            if (excepts == excluded && Matches(expression, path)) excluded = !excepts;
        }
        return excluded;
    }

    private static bool Matches(Regex expression, string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (expression.IsMatch(end == path.Length ? path : path[..end])) return true;
        }
        return false;
    }

    /// <summary>Whether something below a directory that is left out may be taken in again.</summary>
    public bool MayContainExceptions(string directory)
    {
        if (!HasExceptions) return false;
        string prefix = directory + "/";
        return patterns.Exists(p => p.Excepts && (p.Text.StartsWith(prefix, StringComparison.Ordinal) || p.Text.AsSpan().IndexOfAny('*', '?', '[') >= 0));
    }

    /// <summary>Resolves <c>.</c>, <c>..</c> and doubled slashes by name.</summary>
    private static string Clean(string pattern)
    {
        var parts = new List<string>();
        foreach (string part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }
        return string.Join('/', parts);
    }

    private static Regex Expression(string pattern)
    {
        var expression = new StringBuilder("^");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            switch (c)
            {
                case '*' when i + 1 < pattern.Length && pattern[i + 1] == '*':
                    i++;
                    if (i + 1 < pattern.Length && pattern[i + 1] == '/')
                    {
                        i++;
                        expression.Append("(.*/)?");
                    }
                    else
                    {
                        expression.Append(".*");
                    }
                    break;
                case '*': expression.Append("[^/]*"); break;
                case '?': expression.Append("[^/]"); break;
                case '[': i = AppendClass(expression, pattern, i); break;
                case '\\' when i + 1 < pattern.Length: expression.Append(Regex.Escape(pattern[++i].ToString())); break;
                case '\\': throw new FormatException("syntax error in pattern");
                default: expression.Append(Regex.Escape(c.ToString())); break;
            }
        }
        // Patterns without backtracking: no file name can make them slow.
        return new Regex(expression.Append("\\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }

    private static int AppendClass(StringBuilder expression, string pattern, int at)
    {
        int close = at + 1;
        if (close < pattern.Length && pattern[close] == '^') close++;
        bool first = true;
        for (; close < pattern.Length && (first || pattern[close] != ']'); close++, first = false)
        {
            if (pattern[close] == '\\') close++;
        }
        if (close >= pattern.Length) throw new FormatException("syntax error in pattern");
        string inside = pattern[(at + 1)..close];
        bool negated = inside.StartsWith('^');
        expression.Append(negated ? "[^/" : "[");
        string characters = negated ? inside[1..] : inside;
        for (int i = 0; i < characters.Length; i++)
        {
            char c = characters[i];
            if (c == '\\' && i + 1 < characters.Length) c = characters[++i];
            else if (c == '-' && i > 0 && i + 1 < characters.Length)
            {
                expression.Append('-');
                continue;
            }
            if (c is ']' or '[' or '\\' or '^' or '-') expression.Append('\\');
            expression.Append(c);
        }
        expression.Append(']');
        return close;
    }
}
