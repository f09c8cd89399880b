using System.Text;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Takes the words that begin with two dashes off the front of an instruction's arguments. Unlike in arguments, quotes and escapes lose their meaning at once.</summary>
internal static class FlagWords
{
    /// <returns>What is left of the line.</returns>
    public static string Take(string line, char escape, List<string> flags)
    {
        int at = 0;
        while (true)
        {
            while (at < line.Length && char.IsWhiteSpace(line[at])) at++;
            if (at >= line.Length) return "";
            if (!line.AsSpan(at).StartsWith("--")) return line[at..];
            string word = ReadWord(line, escape, ref at, out bool quoted);
            if (word == "--") return at < line.Length ? line[at..] : "";
            if (word.Length > 0 || quoted) flags.Add(word);
        }
    }

    private static string ReadWord(string line, char escape, ref int at, out bool quoted)
    {
        var word = new StringBuilder();
        char quote = '\0';
        quoted = false;
        for (; at < line.Length; at++)
        {
            char c = line[at];
            if (quote == '\0' && char.IsWhiteSpace(c)) break;
            if (quote == '\0' && c is '\'' or '"')
            {
                quote = c;
                quoted = true;
            }
            else if (c == quote && quote != '\0')
            {
                quote = '\0';
            }
            else if (c == escape)
            {
                if (at + 1 < line.Length) word.Append(line[++at]);
            }
            else
            {
                word.Append(c);
            }
        }
        return word.ToString();
    }
}
