using System.Buffers;
using System.Text;

namespace Gantry.Linux.Files;

/// <summary>A path or a name for one system call: text, or the raw bytes of a name that need not be valid UTF-8.</summary>
public readonly ref struct FilePath
{
    private readonly ReadOnlySpan<byte> bytes;
    private readonly string? text;

    public FilePath(string text) => this.text = text;

    public FilePath(ReadOnlySpan<byte> bytes) => this.bytes = bytes;

    public static implicit operator FilePath(string text) => new(text);

    public static implicit operator FilePath(ReadOnlySpan<byte> bytes) => new(bytes);

    public static implicit operator FilePath(Span<byte> bytes) => new((ReadOnlySpan<byte>)bytes);

    public static implicit operator FilePath(byte[] bytes) => new(bytes);

    internal int MaxSize => (text is null ? bytes.Length : Encoding.UTF8.GetMaxByteCount(text.Length)) + 1;

    /// <summary>Writes the path and its ending zero. Refuses an embedded zero, at which the kernel would cut silently.</summary>
    internal void CopyTo(Span<byte> target)
    {
        int length;
        if (text is null)
        {
            bytes.CopyTo(target);
            length = bytes.Length;
        }
        else
        {
            length = Encoding.UTF8.GetBytes(text, target);
        }
        if (target[..length].Contains((byte)0)) throw new ArgumentException("a path or name must not contain a NUL character");
        target[length] = 0;
    }

    /// <summary>For messages: what is no UTF-8 or no printable character becomes <c>\xNN</c>, and a very long path is cut.</summary>
    public override string ToString() => text ?? Printable(bytes);

    public static string Printable(ReadOnlySpan<byte> name)
    {
        const int Longest = 1024;
        var shown = new StringBuilder();
        var rest = name.Length > Longest ? name[..Longest] : name;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out int used) == OperationStatus.Done && !Rune.IsControl(rune))
            {
                shown.Append(rune.ToString());
            }
            else
            {
                used = 1;
                shown.Append("\\x").Append(Convert.ToHexStringLower(rest[..1]));
            }
            rest = rest[used..];
        }
        if (name.Length > Longest) shown.Append('…');
        return shown.ToString();
    }
}

/// <summary>The zero-ended form of a <see cref="FilePath"/> for the length of one call.</summary>
internal ref struct PathBuffer
{
    /// <summary>Size of the stack buffer that callers give: enough for every name and for most paths.</summary>
    public const int Scratch = 512;

    private readonly Span<byte> bytes;
    private byte[]? rented;

    public PathBuffer(FilePath path, Span<byte> scratch)
    {
        bytes = path.MaxSize <= scratch.Length ? scratch : rented = ArrayPool<byte>.Shared.Rent(path.MaxSize);
        path.CopyTo(bytes);
    }

    public readonly ref byte GetPinnableReference() => ref bytes[0];

    public void Dispose()
    {
        if (rented is { } array) ArrayPool<byte>.Shared.Return(array);
        rented = null;
    }
}
