using System.Text;

namespace Gantry.PowerShell.Client;

/// <summary>Bytes of a line that has not ended yet.</summary>
internal sealed class LineBuffer
{
    private readonly MemoryStream bytes = new();

    public bool IsEmpty => bytes.Length == 0;

    public void Add(ReadOnlySpan<byte> data) => bytes.Write(data);

    /// <summary>The line as text, without a carriage return at its end; the buffer is empty again.</summary>
    public string Take()
    {
        var line = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        string text = Encoding.UTF8.GetString(line.Length > 0 && line[^1] == '\r' ? line[..^1] : line);
        bytes.SetLength(0);
        return text;
    }
}
