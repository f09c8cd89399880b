using System.Buffers;
using System.Text;

namespace Gantry.Linux.Kernel;

/// <summary>A zero-ended UTF-8 string for the length of one call. Refuses text with an embedded NUL, which the kernel would cut silently.</summary>
public unsafe ref struct CString
{
    private byte[]? rented;
    private readonly Span<byte> bytes;

    public CString(string text, Span<byte> scratch)
    {
        if (text.Contains('\0')) throw new ArgumentException("a path or name must not contain a NUL character", nameof(text));
        int size = Encoding.UTF8.GetMaxByteCount(text.Length) + 1;
        bytes = size <= scratch.Length ? scratch : rented = ArrayPool<byte>.Shared.Rent(size);
        bytes[Encoding.UTF8.GetBytes(text, bytes)] = 0;
    }

    public ref byte GetPinnableReference() => ref bytes[0];

    public void Dispose()
    {
        if (rented is { } array) ArrayPool<byte>.Shared.Return(array);
        rented = null;
    }
}
