using System.Text;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Api;

/// <summary>A request's query, decoded when it is first asked for. Where a name comes twice the first value counts, as in Go.</summary>
internal sealed class Query(string text)
{
    private List<KeyValuePair<string, string>>? pairs;

    public IReadOnlyList<KeyValuePair<string, string>> Pairs => pairs ??= Parse(text);

    public string? Find(string name)
    {
        foreach (var (key, value) in Pairs)
        {
            if (key == name) return value;
        }
        return null;
    }

    /// <exception cref="EngineException">400 for an escape that is none.</exception>
    private static List<KeyValuePair<string, string>> Parse(string text)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var range in text.AsSpan().Split('&'))
        {
            var pair = text.AsSpan()[range];
            if (pair.IsEmpty) continue;
            if (pair.Contains(';')) throw EngineException.InvalidParameter("invalid semicolon separator in query");
            int equals = pair.IndexOf('=');
            pairs.Add(equals < 0 ? new(Unescape(pair), "") : new(Unescape(pair[..equals]), Unescape(pair[(equals + 1)..])));
        }
        return pairs;
    }

    private static string Unescape(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAny('%', '+') < 0) return text.ToString();
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '+':
                    bytes[length++] = (byte)' ';
                    break;
                case '%':
                    if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                        throw EngineException.InvalidParameter($"invalid URL escape \"{text[i..Math.Min(i + 3, text.Length)]}\"");
                    bytes[length++] = byte.Parse(text.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
                    i += 2;
                    break;
                default:
                    length += Encoding.UTF8.GetBytes(text.Slice(i, 1), bytes.AsSpan(length));
                    break;
            }
        }
        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
