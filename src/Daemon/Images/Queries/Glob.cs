using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Queries;

/// <summary>Shell patterns of one line as Go's <c>path.Match</c> reads them: <c>*</c> and <c>?</c> stop at a slash, <c>[a-z]</c>, <c>[^a-z]</c>, <c>\c</c>.</summary>
internal static class Glob
{
    /// <exception cref="EngineException">500 <c>syntax error in pattern</c>, as dockerd answers.</exception>
    public static bool IsMatch(string pattern, string text)
    {
        Check(pattern);
        return Match(pattern, text);
    }

    private static bool Match(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        while (!pattern.IsEmpty)
        {
            if (pattern[0] == '*')
            {
                pattern = pattern.TrimStart('*');
                for (int i = 0; ; i++)
                {
                    if (Match(pattern, text[i..])) return true;
                    if (i == text.Length || text[i] == '/') return false;
                }
            }
            if (text.IsEmpty || !MatchOne(ref pattern, text[0])) return false;
            text = text[1..];
        }
        return text.IsEmpty;
    }

    private static bool MatchOne(ref ReadOnlySpan<char> pattern, char c)
    {
        switch (pattern[0])
        {
            case '?':
                pattern = pattern[1..];
                return c != '/';
            case '[':
                return MatchClass(ref pattern, c);
            case '\\':
                bool same = pattern[1] == c;
                pattern = pattern[2..];
                return same;
            default:
                same = pattern[0] == c;
                pattern = pattern[1..];
                return same;
        }
    }

    private static bool MatchClass(ref ReadOnlySpan<char> pattern, char c)
    {
        pattern = pattern[1..];
        bool negated = pattern[0] == '^';
        if (negated) pattern = pattern[1..];
        bool matched = false;
        for (bool first = true; first || pattern[0] != ']'; first = false)
        {
            char low = TakeClassCharacter(ref pattern), high = low;
            if (pattern[0] == '-')
            {
                pattern = pattern[1..];
                high = TakeClassCharacter(ref pattern);
            }
            matched |= low <= c && c <= high;
        }
        pattern = pattern[1..];
        return matched != negated && c != '/';
    }

    private static char TakeClassCharacter(ref ReadOnlySpan<char> pattern)
    {
        int length = pattern[0] == '\\' ? 2 : 1;
        char c = pattern[length - 1];
        pattern = pattern[length..];
        return c;
    }

    /// <summary>Finds what is malformed before matching begins: an open class, an empty one, a lone escape.</summary>
    private static void Check(string pattern)
    {
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\' && ++i == pattern.Length) throw Malformed();
            if (pattern[i] != '[' || (i > 0 && pattern[i - 1] == '\\')) continue;
            int at = i + 1;
            if (at < pattern.Length && pattern[at] == '^') at++;
            for (bool first = true; first || (at < pattern.Length && pattern[at] != ']'); first = false)
            {
                SkipClassCharacter(pattern, ref at);
                if (at < pattern.Length && pattern[at] == '-')
                {
                    at++;
                    SkipClassCharacter(pattern, ref at);
                }
            }
            if (at >= pattern.Length) throw Malformed();
            i = at;
        }
    }

    private static void SkipClassCharacter(string pattern, ref int at)
    {
        if (at >= pattern.Length || pattern[at] is '-' or ']') throw Malformed();
        if (pattern[at] == '\\' && ++at >= pattern.Length) throw Malformed();
        at++;
    }

    private static EngineException Malformed() => EngineException.System("syntax error in pattern");
}
