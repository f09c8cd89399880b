using System.Globalization;
using System.Runtime.InteropServices;

namespace Gantry.Daemon.Images.Compression;

/// <summary>xz through Debian's liblzma5 (<c>lzma/base.h</c>, <c>lzma/container.h</c>).</summary>
internal sealed unsafe class XzDecoder : NativeDecoder
{
    private const string Library = "liblzma.so.5";

    /// <summary>Enough for <c>xz -9</c>, which needs 65 MiB.</summary>
    private const ulong MemoryLimit = 128UL << 20;

    private const uint Concatenated = 0x08;
    private const int Run = 0, Finish = 3;
    private const int Ok = 0, StreamEnd = 1, MemoryError = 6, BufferError = 10;

    private readonly Stream* stream = (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));
    private bool disposed;

    public XzDecoder()
    {
        int result = Load(() => lzma_stream_decoder(stream, MemoryLimit, Concatenated), Library, "liblzma5");
        if (result != Ok) throw Failed(result);
    }

    public override (int Consumed, int Produced) Step(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnds, out bool complete)
    {
        fixed (byte* i = input, o = output)
        {
            stream->NextIn = i;
            stream->AvailableIn = (nuint)input.Length;
            stream->NextOut = o;
            stream->AvailableOut = (nuint)output.Length;
            int result = lzma_code(stream, inputEnds ? Finish : Run);
            if (result is not (Ok or StreamEnd or BufferError)) throw Failed(result);
            complete = result == StreamEnd;
            return (input.Length - (int)stream->AvailableIn, output.Length - (int)stream->AvailableOut);
        }
    }

    private static InvalidArchiveException Failed(int result) => result == MemoryError
        ? new InvalidArchiveException("xz: decompression needs more than 128 MiB of memory, the limit")
        : new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"xz: the compressed data is damaged (lzma error {result})"));

    public override void Dispose()
    {
        if (disposed) return;
        disposed = true;
        lzma_end(stream);
        NativeMemory.Free(stream);
    }

    /// <summary><c>lzma_stream</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 136)]
    private struct Stream
    {
        public byte* NextIn;
        public nuint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public nuint AvailableOut;
        public ulong TotalOut;
    }

    [DllImport(Library)]
    private static extern int lzma_stream_decoder(Stream* stream, ulong memoryLimit, uint flags);

    [DllImport(Library)]
    private static extern int lzma_code(Stream* stream, int action);

    [DllImport(Library)]
    private static extern void lzma_end(Stream* stream);
}
