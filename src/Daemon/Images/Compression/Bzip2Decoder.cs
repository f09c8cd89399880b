using System.Globalization;
using System.Runtime.InteropServices;

namespace Gantry.Daemon.Images.Compression;

/// <summary>bzip2 through Debian's libbz2-1.0 (<c>bzlib.h</c>). Several streams behind one another count as one, as in bzip2(1).</summary>
internal sealed unsafe class Bzip2Decoder : NativeDecoder
{
    private const string Library = "libbz2.so.1.0";

    private const int Ok = 0, StreamEnd = 4;

    private readonly Stream* stream = (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));
    private bool between = true;
    private bool initialized;
    private bool disposed;

    public override (int Consumed, int Produced) Step(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnds, out bool complete)
    {
        complete = between && inputEnds;
        if (input.IsEmpty) return (0, 0);
        if (between) Begin();
        fixed (byte* i = input, o = output)
        {
            stream->NextIn = i;
            stream->AvailableIn = (uint)input.Length;
            stream->NextOut = o;
            stream->AvailableOut = (uint)output.Length;
            int result = BZ2_bzDecompress(stream);
            if (result is not (Ok or StreamEnd))
                throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"bzip2: the compressed data is damaged (bzlib error {result})"));
            between = result == StreamEnd;
            complete = between;
            return (input.Length - (int)stream->AvailableIn, output.Length - (int)stream->AvailableOut);
        }
    }

    private void Begin()
    {
        End();
        int result = Load(() => BZ2_bzDecompressInit(stream, 0, 0), Library, "libbz2-1.0");
        if (result != Ok) throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"bzip2: cannot begin (bzlib error {result})"));
        initialized = true;
        between = false;
    }

    private void End()
    {
        if (!initialized) return;
        BZ2_bzDecompressEnd(stream);
        initialized = false;
    }

    public override void Dispose()
    {
        if (disposed) return;
        disposed = true;
        End();
        NativeMemory.Free(stream);
    }

    /// <summary><c>bz_stream</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Stream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public uint TotalInLow;
        public uint TotalInHigh;
        public byte* NextOut;
        public uint AvailableOut;
        public uint TotalOutLow;
        public uint TotalOutHigh;
        public nint State;
        public nint Allocate;
        public nint Free;
        public nint Opaque;
    }

    [DllImport(Library)]
    private static extern int BZ2_bzDecompressInit(Stream* stream, int verbosity, int small);

    [DllImport(Library)]
    private static extern int BZ2_bzDecompress(Stream* stream);

    [DllImport(Library)]
    private static extern int BZ2_bzDecompressEnd(Stream* stream);
}
