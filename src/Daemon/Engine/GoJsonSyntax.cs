using System.Buffers;
using System.Text;

namespace Gantry.Daemon.Engine;

/// <summary>Finds the first syntax error of a JSON text and says it in the words of Go's decoder (recorded from dockerd 28.5).</summary>
/// <remarks>Only looks at the first value, as a decoder of a stream does. Nesting is kept on a list, so that no text can exhaust the thread's stack.</remarks>
internal ref struct GoJsonSyntax
{
    private const string AtEnd = "unexpected EOF";
    private readonly ReadOnlySpan<byte> text;
    private int position;

    private GoJsonSyntax(ReadOnlySpan<byte> text) => this.text = text;

    /// <summary>The error, or null when the text starts with a valid value.</summary>
    public static string? Check(ReadOnlySpan<byte> json) => new GoJsonSyntax(json).Run();

    private string? Run()
    {
        var containers = new Stack<byte>();   // '{' and '[' that are open
        while (true)
        {
            SkipSpace();
            if (End) return AtEnd;
            byte first = text[position];
            if (first is (byte)'{' or (byte)'[')
            {
                position++;
                SkipSpace();
                if (End) return AtEnd;
                if (text[position] == (first == '{' ? '}' : ']'))
                {
                    position++;
                }
                else
                {
                    containers.Push(first);
                    if (first == '{' && Key() is { } error) return error;
                    continue;   // to the first value in it
                }
            }
            else if (Scalar(first) is { } error)
            {
                return error;
            }

            // A value has ended: close what ends with it, or go on to the next one.
            while (true)
            {
                if (containers.Count == 0) return null;
                SkipSpace();
                if (End) return AtEnd;
                bool isObject = containers.Peek() == '{';
                byte next = text[position];
                if (next == (isObject ? '}' : ']'))
                {
                    position++;
                    containers.Pop();
                    continue;
                }
                if (next != ',') return Unexpected(isObject ? "after object key:value pair" : "after array element");
                position++;
                if (isObject && Key() is { } error) return error;
                break;
            }
        }
    }

    private readonly bool End => position >= text.Length;

    private void SkipSpace()
    {
        while (!End && text[position] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') position++;
    }

    private string? Key()
    {
        SkipSpace();
        if (End) return AtEnd;
        if (text[position] != '"') return Unexpected("looking for beginning of object key string");
        if (String() is { } error) return error;
        SkipSpace();
        if (End) return AtEnd;
        if (text[position] != ':') return Unexpected("after object key");
        position++;
        return null;
    }

    private string? Scalar(byte first) => first switch
    {
        (byte)'"' => String(),
        (byte)'t' => Literal("true"),
        (byte)'f' => Literal("false"),
        (byte)'n' => Literal("null"),
        (byte)'-' or (>= (byte)'0' and <= (byte)'9') => Number(),
        _ => Unexpected("looking for beginning of value"),
    };

    private string? String()
    {
        for (position++; ; position++)
        {
            if (End) return AtEnd;
            switch (text[position])
            {
                case (byte)'"':
                    position++;
                    return null;
                case < 0x20:
                    return Unexpected("in string");
                case (byte)'\\':
                    if (Escape() is { } error) return error;
                    break;
            }
        }
    }

    private string? Escape()
    {
        int start = position++;
        if (End) return AtEnd;
        if (text[position] != 'u')
            return "\"\\/bfnrt"u8.Contains(text[position]) ? null : $"invalid escape sequence `{Encoding.UTF8.GetString(text[start..(position + 1)])}` in string";
        if (position + 4 >= text.Length) return AtEnd;
        var digits = text.Slice(position + 1, 4);
        if (digits.IndexOfAnyExcept(SearchValues.Create("0123456789abcdefABCDEF"u8)) >= 0)
            return $"invalid escape sequence `{Encoding.UTF8.GetString(text[start..(position + 5)])}` in string";
        position += 4;
        return null;
    }

    private string? Literal(string word)
    {
        foreach (char expected in word)
        {
            if (End) return AtEnd;
            if (text[position] != expected) return Unexpected($"in literal {word} (expecting '{expected}')");
            position++;
        }
        return null;
    }

    private string? Number()
    {
        if (text[position] == '-') position++;
        if (!End && text[position] == '0') position++;   // a second digit does not belong to the number any more
        else if (Digits() is { } error) return error;
        if (!End && text[position] == '.')
        {
            position++;
            if (Digits() is { } error) return error;
        }
        if (!End && text[position] is (byte)'e' or (byte)'E')
        {
            position++;
            if (!End && text[position] is (byte)'+' or (byte)'-') position++;
            if (Digits() is { } error) return error;
        }
        return null;
    }

    private string? Digits()
    {
        if (End) return AtEnd;
        if (text[position] is < (byte)'0' or > (byte)'9') return Unexpected("in numeric literal");
        while (!End && text[position] is >= (byte)'0' and <= (byte)'9') position++;
        return null;
    }

    private readonly string Unexpected(string where)
    {
        Rune.DecodeFromUtf8(text[position..], out var rune, out _);
        string shown = rune.Value switch
        {
            '\'' => @"\'",
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            '\\' => @"\\",
            < 0x20 or 0x7f => $@"\x{rune.Value:x2}",
            _ => rune.ToString(),
        };
        return $"invalid character '{shown}' {where}";
    }
}
