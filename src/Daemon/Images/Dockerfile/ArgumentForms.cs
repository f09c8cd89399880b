using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The forms in which instructions take their arguments.</summary>
internal static class ArgumentForms
{
    /// <summary>What stands between the words of a line.</summary>
    public static readonly char[] Blanks = [' ', '\t', '\v', '\f', '\r'];

    /// <summary>Cuts an instruction's arguments up as its keyword wants it. Unknown keywords are left whole: they are refused later.</summary>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static Instruction CutUp(Instruction instruction, char escape)
    {
        string text = instruction.Arguments;
        if (text.Length == 0) return instruction;
        switch (instruction.Keyword)
        {
            case "ADD" or "COPY" or "VOLUME":
                return JsonArray(text) is { } list ? instruction with { Words = list, IsJson = true } : instruction with { Words = BetweenBlanks(text) };
            case "CMD" or "ENTRYPOINT" or "RUN" or "SHELL":
                return JsonArray(text) is { } command ? instruction with { Words = command, IsJson = true } : instruction with { Words = [text] };
            case "HEALTHCHECK":
                return CutUpHealthcheck(instruction);
            case "ENV" or "LABEL":
                return instruction with { Pairs = Pairs(instruction.Keyword, text, escape) };
            case "ARG":
                return instruction with { Words = Words(text, escape) };
            case "EXPOSE" or "FROM":
                return instruction with { Words = BetweenBlanks(text) };
            case "ONBUILD":
                DockerfileParser.Split(instruction.Line, text, escape);   // a trigger that is malformed is refused here and not in the image's user's build
                return instruction with { Words = [text] };
            default:
                return instruction with { Words = [text] };
        }
    }

    /// <summary>The kind of check first, then its command in either form.</summary>
    private static Instruction CutUpHealthcheck(Instruction instruction)
    {
        string text = instruction.Arguments;
        int end = text.IndexOfAny([.. Blanks, '\n']);
        string kind = end < 0 ? text : text[..end], rest = end < 0 ? "" : text[end..].TrimStart();
        if (rest.Length == 0) return instruction with { Words = [kind] };
        return JsonArray(rest) is { } words ? instruction with { Words = [kind, .. words], IsJson = true } : instruction with { Words = [kind, rest] };
    }

    /// <summary>The JSON array form; null when the text is not one, and so is a command line for the shell or a list of words.</summary>
    /// <exception cref="EngineException">400: an array of other things than strings.</exception>
    public static List<string>? JsonArray(string text)
    {
        if (!text.StartsWith('[')) return null;
        var list = new List<string>();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { CommentHandling = JsonCommentHandling.Disallow });
        bool onlyStrings = true;
        try
        {
            reader.Read();
            while (reader.Read() && reader.CurrentDepth > 0)
            {
                if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth == 1) list.Add(reader.GetString()!);
                else onlyStrings = false;
            }
            while (reader.Read())
            {
                // Anything behind the array makes it no JSON: the reader says so.
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
        return onlyStrings ? list : throw EngineException.InvalidParameter("when using JSON array syntax, arrays must be comprised of strings only");
    }

    private static List<string> BetweenBlanks(string text) => [.. text.Split(Blanks, StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Words between blanks, quotes and escapes kept as they stand: they belong to <see cref="ShellWords"/>.</summary>
    public static List<string> Words(string text, char escape)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool inWord = false;
        char quote = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (inWord) words.Add(word.ToString());
                word.Clear();
                inWord = false;
                continue;
            }
            inWord = true;
            if (c == escape && quote != '\'')
            {
                if (i + 1 == text.Length) break;   // an escape at the very end has nothing to act on
                word.Append(c).Append(text[++i]);
                continue;
            }
            if (quote == c) quote = '\0';
            else if (quote == '\0' && c is '"' or '\'') quote = c;
            word.Append(c);
        }
        if (inWord) words.Add(word.ToString());
        return words;
    }

    /// <summary><c>name=value …</c>, or the old form <c>name value to the end</c>. Names and values are not processed yet.</summary>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    private static List<(string Name, string Value)> Pairs(string keyword, string text, char escape)
    {
        var words = Words(text, escape);
        if (words.Count == 0) return [];
        if (!words[0].Contains('='))
        {
            int end = text.IndexOfAny(Blanks);
            string value = end < 0 ? "" : text[end..].TrimStart(Blanks);
            return value.Length > 0 ? [(text[..end], value)] : throw EngineException.InvalidParameter($"{keyword} must have two arguments");
        }
        var pairs = new List<(string, string)>();
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw EngineException.InvalidParameter($"Syntax error - can't find = in {GoText.Quote(word)}. Must be of the form: name=value");
            pairs.Add((word[..equals], word[(equals + 1)..]));
        }
        return pairs;
    }
}
