using System.Text;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Takes quotes and escapes off an argument and puts variables in (Dockerfile reference, "Environment replacement").</summary>
internal sealed class ShellWords
{
    private readonly string text;
    private readonly char escape;
    private readonly IReadOnlyList<string> environment;
    private readonly WordList words = new();
    private int at;
    private bool keepQuotes, keepEscapes, keepUnset;

    private ShellWords(string text, IReadOnlyList<string> environment, char escape)
    {
        this.text = text;
        this.environment = environment;
        this.escape = escape;
    }

    /// <summary>The argument as one word.</summary>
    /// <param name="word">As it stands in the file.</param>
    /// <param name="environment"><c>NAME=value</c>, later ones first in doubt.</param>
    /// <param name="escape">The file's escape character.</param>
    /// <exception cref="EngineException">400 <c>failed to process "…": …</c>.</exception>
    public static string Process(string word, IReadOnlyList<string> environment, char escape = DockerfileParser.DefaultEscape) =>
        Translate(word, () => new ShellWords(word, environment, escape).Read(null));

    /// <summary>The argument as a list: it and what its variables hold are cut at blanks outside quotes, and an empty result is no word at all.</summary>
    public static IReadOnlyList<string> ProcessList(string word, IReadOnlyList<string> environment, char escape = DockerfileParser.DefaultEscape)
    {
        var reader = new ShellWords(word, environment, escape);
        Translate(word, () => reader.Read(null));
        return reader.words.Complete();
    }

    /// <summary>Variables put into a text in which quotes have no meaning: a here-document that is copied.</summary>
    public static string Fill(string content, IReadOnlyList<string> environment, char escape) =>
        Translate(content, () => new ShellWords(content, environment, escape) { quotesAreText = true }.Read(null));

    private bool quotesAreText;

    /// <summary>Cuts a line at its blanks outside quotes, variables left alone.</summary>
    /// <exception cref="FormatException">A quote is not closed, or a brace.</exception>
    public static IReadOnlyList<string> Cut(string line, bool keepQuotes, bool keepEscapes)
    {
        var reader = new ShellWords(line, [], DockerfileParser.DefaultEscape) { keepQuotes = keepQuotes, keepEscapes = keepEscapes, keepUnset = true };
        reader.Read(null);
        return reader.words.Complete();
    }

    private static string Translate(string word, Func<string> read)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            throw EngineException.InvalidParameter($"failed to process {GoText.Quote(word)}: {e.Message}", e);
        }
    }

    /// <param name="end">Stop at this character, which is looked for outside quotes only, and leave it behind; null reads to the end.</param>
    private string Read(char? end)
    {
        var result = new StringBuilder();
        while (at < text.Length)
        {
            char c = text[at];
            if (c == end)
            {
                at++;
                return result.ToString();
            }
            if (c == '$') words.AddSplit(Append(result, ReadVariable()));
            else if (c == '\'' && !quotesAreText) words.Add(Append(result, ReadSingleQuoted()));
            else if (c == '"' && !quotesAreText) words.Add(Append(result, ReadDoubleQuoted()));
            else if (c == '<') words.Add(Append(result, ReadAngle()));
            else if (c == escape) ReadEscape(result);
            else
            {
                at++;
                words.AddSplit(Append(result, c.ToString()));
            }
        }
        return end is null ? result.ToString() : throw new FormatException($"unexpected end of statement while looking for matching {end}");
    }

    private static string Append(StringBuilder result, string part)
    {
        result.Append(part);
        return part;
    }

    private void ReadEscape(StringBuilder result)
    {
        at++;
        if (keepEscapes) words.Add(Append(result, escape.ToString()));
        if (at < text.Length) words.Add(Append(result, text[at++].ToString()));
    }

    private string ReadSingleQuoted()
    {
        int close = text.IndexOf('\'', at + 1);
        if (close < 0) throw new FormatException("unexpected end of statement while looking for matching single-quote");
        string inside = keepQuotes ? text[at..(close + 1)] : text[(at + 1)..close];
        at = close + 1;
        return inside;
    }

    private string ReadDoubleQuoted()
    {
        var result = new StringBuilder();
        at++;
        if (keepQuotes) result.Append('"');
        while (at < text.Length)
        {
            char c = text[at];
            if (c == '"')
            {
                at++;
                if (keepQuotes) result.Append('"');
                return result.ToString();
            }
            if (c == '$')
            {
                result.Append(ReadVariable());
                continue;
            }
            at++;
            if (c == escape)
            {
                if (keepEscapes) result.Append(c);
                if (at >= text.Length) continue;   // an escape at the end has nothing to act on
                // Only what has a meaning in double quotes can lose it; before anything else the escape stays.
                if (text[at] == '"' || text[at] == '$' || text[at] == escape) c = text[at++];
            }
            result.Append(c);
        }
        throw new FormatException("unexpected end of statement while looking for matching double-quote");
    }

    /// <summary>What announces a here-document keeps its blanks, so that it stays one word.</summary>
    private string ReadAngle()
    {
        int start = at++;
        if (at >= text.Length || text[at] != '<') return "<";
        at++;
        while (at < text.Length && text[at] is '\t' or '\r' or ' ') at++;
        return text[start..at];
    }

    private string ReadVariable()
    {
        at++;
        if (at < text.Length && text[at] == '{') return ReadBraced();
        string name = ReadName();
        if (name.Length == 0) return "$";
        return Value(name) ?? (keepUnset ? "$" + name : "");
    }

    private string ReadBraced()
    {
        at++;
        if (at >= text.Length) throw new FormatException("syntax error: missing '}'");
        if (text[at] is '{' or '}' or ':') throw new FormatException("syntax error: bad substitution");
        string name = ReadName();
        char operation = at < text.Length ? text[at++] : throw new FormatException("syntax error: missing '}'");
        string? value = Value(name);
        if (operation == '}') return value ?? (keepUnset ? $"${{{name}}}" : "");
        if (operation == '/') return ReadReplacement(name, value);
        bool emptyIsUnset = operation == ':';
        string shown = operation.ToString();
        if (emptyIsUnset)
        {
            operation = at < text.Length ? text[at++] : throw new FormatException("syntax error: missing '}'");
            shown += operation;
        }
        bool isPattern = operation is '#' or '%';
        if (operation is not ('-' or '+' or '?' or '#' or '%') || (isPattern && emptyIsUnset)) throw new FormatException($"unsupported modifier ({shown}) in substitution");
        string word = ReadPart('}', isPattern, "}");
        if (keepUnset && value is null) return $"${{{name}{shown}{word}}}";
        bool isSet = value is not null && !(emptyIsUnset && value.Length == 0);
        return operation switch
        {
            '-' => isSet ? value! : word,
            '+' => isSet ? word : "",
            '?' when isSet => value!,
            '?' => throw new FormatException($"{name}: {(word.Length > 0 ? word : value is null ? "is not allowed to be unset" : "is not allowed to be empty")}"),
            _ => ShellPatterns.Trim(value ?? "", operation, word),
        };
    }

    private string ReadReplacement(string name, string? value)
    {
        bool all = at < text.Length && text[at] == '/';
        if (all) at++;
        string pattern = ReadPart('/', true, "/' in ${"), replacement = ReadPart('}', true, "}");
        if (keepUnset && value is null) return $"${{{name}/{pattern}/{replacement}}}";
        return ShellPatterns.Replace(value ?? "", pattern, replacement, all);
    }

    /// <summary>The part of a substitution up to a character. Its words are not the argument's.</summary>
    private string ReadPart(char end, bool escapesAreText, string missing)
    {
        bool before = keepEscapes;
        keepEscapes = escapesAreText;
        words.Suspend();
        try
        {
            return Read(end);
        }
        catch (FormatException) when (at >= text.Length)
        {
            throw new FormatException($"syntax error: missing '{missing}{(missing.Length == 1 ? "'" : "}")}");
        }
        finally
        {
            words.Resume();
            keepEscapes = before;
        }
    }

    /// <summary>A name of letters, digits and underscores; or digits alone, or a special parameter of the shell, which are never set here.</summary>
    private string ReadName()
    {
        int start = at;
        if (at < text.Length && char.IsDigit(text[at]))
        {
            while (at < text.Length && char.IsDigit(text[at])) at++;
            return text[start..at];
        }
        if (at < text.Length && text[at] is '@' or '*' or '#' or '?' or '-' or '$' or '!') return text[at++].ToString();
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_')) at++;
        return text[start..at];
    }

    private string? Value(string name)
    {
        foreach (string entry in environment)
        {
            if (entry.StartsWith(name, StringComparison.Ordinal) && entry.Length > name.Length && entry[name.Length] == '=') return entry[(name.Length + 1)..];
        }
        return null;
    }

    /// <summary>Collects the words of a list while the whole text is put together beside it.</summary>
    private sealed class WordList
    {
        private readonly List<string> done = [];
        private readonly StringBuilder word = new();
        private int suspended;

        public void Suspend() => suspended++;

        public void Resume() => suspended--;

        public void Add(string part)
        {
            if (suspended == 0) word.Append(part);
        }

        public void AddSplit(string part)
        {
            if (suspended > 0) return;
            foreach (char c in part)
            {
                if (char.IsWhiteSpace(c)) End();
                else word.Append(c);
            }
        }

        private void End()
        {
            if (word.Length > 0) done.Add(word.ToString());
            word.Clear();
        }

        public IReadOnlyList<string> Complete()
        {
            End();
            return done;
        }
    }
}
