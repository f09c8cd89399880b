using System.Text;
using System.Text.RegularExpressions;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The patterns of <c>${name#pattern}</c>, <c>${name%pattern}</c> and <c>${name/pattern/text}</c>: <c>*</c> and <c>?</c> as in the shell.</summary>
internal static class ShellPatterns
{
    /// <param name="side"><c>#</c> takes the match off the front, <c>%</c> off the end.</param>
    /// <param name="pattern">Doubled at its beginning, the sign asks for the longest match.</param>
    /// <exception cref="FormatException">The pattern has an escape that means nothing.</exception>
    public static string Trim(string value, char side, string pattern)
    {
        bool longest = pattern.StartsWith(side);
        string wanted = longest ? pattern[1..] : pattern;
        if (side == '#') return TrimStart(value, wanted, longest);
        // The shortest match at the end is found by looking from there: both turned round.
        return Reverse(TrimStart(Reverse(value), ReversePattern(wanted), longest));
    }

    private static string TrimStart(string value, string pattern, bool longest)
    {
        var match = Expression(pattern, longest, anchored: true).Match(value);
        return match.Success ? value[match.Length..] : value;
    }

    /// <exception cref="FormatException">The pattern has an escape that means nothing.</exception>
    public static string Replace(string value, string pattern, string replacement, bool all)
    {
        var expression = Expression(pattern, longest: true, anchored: false);
        return expression.Replace(value, _ => replacement, all ? -1 : 1);
    }

    /// <summary>An expression that takes time in proportion to the text, whatever the pattern.</summary>
    private static Regex Expression(string pattern, bool longest, bool anchored)
    {
        var expression = new StringBuilder(anchored ? "^" : "");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '*') expression.Append(longest ? ".*" : ".*?");
            else if (c == '?') expression.Append('.');
            else if (c != '\\') expression.Append(Regex.Escape(c.ToString()));
            else if (i + 1 < pattern.Length && pattern[i + 1] is '}' or '/') continue;   // escaped for the sake of the braces
            else if (i + 1 < pattern.Length && pattern[i + 1] is '*' or '?' or '\\') expression.Append(Regex.Escape(pattern[++i].ToString()));
            else throw new FormatException($"invalid pattern ({pattern}) in substitution: invalid escape '\\{(i + 1 < pattern.Length ? pattern[i + 1] : ' ')}'");
        }
        return new Regex(expression.ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static string Reverse(string text)
    {
        char[] characters = text.ToCharArray();
        Array.Reverse(characters);
        return new string(characters);
    }

    /// <summary>Turned round with each escape still before what it escapes.</summary>
    private static string ReversePattern(string pattern)
    {
        var parts = new List<string>();
        for (int i = 0; i < pattern.Length; i++) parts.Add(pattern[i] == '\\' && i + 1 < pattern.Length ? pattern.Substring(i++, 2) : pattern[i].ToString());
        parts.Reverse();
        return string.Concat(parts);
    }
}
