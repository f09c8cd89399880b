using System.Runtime.InteropServices;

namespace Gantry.Daemon.Images.Compression;

/// <summary>zstd through Debian's libzstd1 (<c>zstd.h</c>, "Streaming decompression"). The library's default window limit of 128 MiB bounds its memory.</summary>
internal sealed unsafe class ZstdDecoder : NativeDecoder
{
    private const string Library = "libzstd.so.1";

    private nint stream = Load(static () => ZSTD_createDStream(), Library, "libzstd1");

    public override (int Consumed, int Produced) Step(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnds, out bool complete)
    {
        fixed (byte* i = input, o = output)
        {
            var inBuffer = new Buffer { Data = i, Size = (nuint)input.Length };
            var outBuffer = new Buffer { Data = o, Size = (nuint)output.Length };
            nuint result = ZSTD_decompressStream(stream, &outBuffer, &inBuffer);
            if (ZSTD_isError(result) != 0) throw new InvalidArchiveException($"zstd: {Marshal.PtrToStringUTF8(ZSTD_getErrorName(result))}");
            complete = result == 0;
            return ((int)inBuffer.Position, (int)outBuffer.Position);
        }
    }

    public override void Dispose()
    {
        if (stream == 0) return;
        ZSTD_freeDStream(stream);
        stream = 0;
    }

    private struct Buffer
    {
        public byte* Data;
        public nuint Size;
        public nuint Position;
    }

    [DllImport(Library)]
    private static extern nint ZSTD_createDStream();

    [DllImport(Library)]
    private static extern nuint ZSTD_freeDStream(nint stream);

    [DllImport(Library)]
    private static extern nuint ZSTD_decompressStream(nint stream, Buffer* output, Buffer* input);

    [DllImport(Library)]
    private static extern uint ZSTD_isError(nuint code);

    [DllImport(Library)]
    private static extern nint ZSTD_getErrorName(nuint code);
}
