using System.Globalization;
using System.Text;

namespace Gantry.PowerShell.Client;

/// <summary>The head of an HTTP/1.1 answer, for connections that leave HTTP after it.</summary>
/// <param name="Status">The code of the status line.</param>
/// <param name="Headers">Names in any case; the last of a repeated one.</param>
internal sealed record HttpHead(int Status, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>An answer's head is far smaller; more than this is no HTTP.</summary>
    public const int Limit = 64 * 1024;

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The position behind the empty line, or −1 when it has not arrived yet.</summary>
    public static int EndOf(ReadOnlySpan<byte> data)
    {
        int at = data.IndexOf("\r\n\r\n"u8);
        return at < 0 ? -1 : at + 4;
    }

    /// <exception cref="FormatException">It is not an HTTP/1 head.</exception>
    public static HttpHead Parse(ReadOnlySpan<byte> data)
    {
        string[] lines = Encoding.Latin1.GetString(data).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] parts = lines.Length == 0 ? [] : lines[0].Split(' ', 3);
        if (parts.Length < 2 || !parts[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int status))
            throw new FormatException("the answer is not HTTP/1");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers[line[..colon].Trim()] = line[(colon + 1)..].Trim();
        }
        return new HttpHead(status, headers);
    }
}
