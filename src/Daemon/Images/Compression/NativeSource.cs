using Gantry.Daemon.Images.Streams;

namespace Gantry.Daemon.Images.Compression;

/// <summary>A decompressor of a system library, one step at a time.</summary>
internal abstract class NativeDecoder : IDisposable
{
    /// <summary>Decompresses from the input into the output as far as either lasts.</summary>
    /// <param name="inputEnds">No more input will come after this.</param>
    /// <param name="complete">The end of the compressed stream has been reached.</param>
    /// <exception cref="InvalidArchiveException">The data is damaged.</exception>
    public abstract (int Consumed, int Produced) Step(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnds, out bool complete);

    public abstract void Dispose();

    /// <summary>Turns the absence of the library into an error that says what to install.</summary>
    protected static T Load<T>(Func<T> create, string library, string package)
    {
        try
        {
            return create();
        }
        catch (DllNotFoundException e)
        {
            throw new InvalidArchiveException($"this archive needs {library}, which this machine lacks: install the Debian package {package}", e);
        }
    }
}

/// <summary>Pulls through a <see cref="NativeDecoder"/>.</summary>
internal sealed class NativeSource(ByteSource source, NativeDecoder decoder) : ByteSource
{
    private readonly byte[] buffer = new byte[BlockPipe.BlockSize];
    private bool complete;

    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            bool more = source.Fill();
            if (!more && complete) break;
            var (consumed, produced) = decoder.Step(source.Available, buffer.AsSpan(filled), !more, out complete);
            source.Consume(consumed);
            filled += produced;
            if (!more && !complete && produced == 0) throw InvalidArchiveException.UnexpectedEnd();
            if (more && consumed == 0 && produced == 0 && filled < buffer.Length) throw new InvalidArchiveException("the compressed data is damaged");
        }
        next = buffer.AsMemory(0, filled);
        return filled > 0;
    }

    protected override void Dispose(bool disposing)
    {
        decoder.Dispose();
        base.Dispose(disposing);
    }
}
