using System.IO.Compression;
using System.Runtime.CompilerServices;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Daemon.Images.Compression;

/// <summary>Opens compressed sources.</summary>
public static class Decompression
{
    /// <summary>
    /// Makes the BCL's decompressor refuse a stream that ends too early instead of taking it for complete. The switch is read when the first
    /// stream is decompressed.
    /// </summary>
    [ModuleInitializer]
    internal static void BeStrict() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>Looks at the first bytes of a source, which must have been filled, and gives its uncompressed content. The source stays its owner's.</summary>
    /// <exception cref="InvalidArchiveException">While reading: the compressed data is damaged or ends too early.</exception>
    public static ByteSource Open(ByteSource source, out CompressionFormat format)
    {
        format = source.Fill() ? CompressionFormats.Detect(source.Available) : CompressionFormat.None;
        return format switch
        {
            CompressionFormat.Gzip => new GzipSource(source),
            CompressionFormat.Zstd => new NativeSource(source, new ZstdDecoder()),
            CompressionFormat.Bzip2 => new NativeSource(source, new Bzip2Decoder()),
            CompressionFormat.Xz => new NativeSource(source, new XzDecoder()),
            _ => source,
        };
    }

    private sealed class GzipSource(ByteSource source) : ByteSource
    {
        private readonly GZipStream gzip = new(new SourceStream(source), CompressionMode.Decompress);
        private readonly byte[] buffer = new byte[BlockPipe.BlockSize];

        protected override bool Next(out ReadOnlyMemory<byte> next)
        {
            try
            {
                int read = gzip.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
                next = buffer.AsMemory(0, read);
                return read > 0;
            }
            catch (InvalidDataException e)
            {
                // The BCL has one exception for both cases. Too early an end is the one where nothing is left to read.
                throw source.Fill() ? new InvalidArchiveException("gzip: the compressed data is damaged", e) : Ended(e);
            }
        }

        private static InvalidArchiveException Ended(InvalidDataException e) =>
            e.Message.Contains("truncated", StringComparison.OrdinalIgnoreCase)
                ? InvalidArchiveException.UnexpectedEnd(e)
                : new InvalidArchiveException("gzip: the compressed data is damaged", e);

        protected override void Dispose(bool disposing)
        {
            gzip.Dispose();
            base.Dispose(disposing);
        }
    }
}
