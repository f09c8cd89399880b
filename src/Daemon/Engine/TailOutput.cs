using System.Text;

namespace Gantry.Daemon.Engine;

/// <summary>Keeps the end of what a detached job writes, so that somebody can look at it later.</summary>
internal sealed class TailOutput : JobOutput
{
    private const int Kept = 64 << 10;
    private readonly Lock gate = new();
    private readonly MemoryStream bytes = new();

    /// <summary>The last 64 KiB, from the start of a line on when lines were cut off.</summary>
    public string Text
    {
        get
        {
            lock (gate) return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        }
    }

    public override ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    protected override ValueTask SendHeadAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    protected override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        lock (gate)
        {
            bytes.Write(data.Span);
            if (bytes.Length > 2 * Kept) CutOff();
        }
        return ValueTask.CompletedTask;
    }

    private void CutOff()
    {
        var text = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        int start = text.Length - Kept;
        int line = text[start..].IndexOf((byte)'\n');
        if (line >= 0) start += line + 1;
        var rest = text[start..];
        rest.CopyTo(text);
        bytes.SetLength(rest.Length);
    }
}
