using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Daemon.Images.Push;

/// <summary>A layer's archive on its way to a registry: put together from its files, checked, compressed by gzip and hashed in one pass.</summary>
/// <param name="advanced">Told the bytes of the uncompressed archive that are done.</param>
internal sealed class LayerContent(LayerStore layers, Layer layer, Action<long> advanced) : HttpContent
{
    /// <summary>What was sent, once it has been sent whole.</summary>
    public Digest Digest { get; private set; }

    public long Size { get; private set; }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var compressed = new MemoryStream();
        using var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true);
        using var archive = await Task.Run(() => layers.OpenArchive(layer), cancellationToken).ConfigureAwait(false);
        using var hashed = new HashingSource(archive);
        while (await Task.Run(() => Compress(hashed, gzip), cancellationToken).ConfigureAwait(false))
        {
            advanced(hashed.Length);
            await HandOnAsync().ConfigureAwait(false);
        }
        if (hashed.Finish() != layer.Diff) throw new InvalidDataException($"layer {layer.Chain} was changed on disk: its archive has another digest than when it came");
        await gzip.DisposeAsync().ConfigureAwait(false);
        await HandOnAsync().ConfigureAwait(false);
        Digest = Digest.FromSha256(hash.GetCurrentHash());

        async ValueTask HandOnAsync()
        {
            var block = compressed.GetBuffer().AsMemory(0, (int)compressed.Length);
            if (block.IsEmpty) return;
            hash.AppendData(block.Span);
            Size += block.Length;
            await stream.WriteAsync(block, cancellationToken).ConfigureAwait(false);
            compressed.SetLength(0);
        }
    }

    private static bool Compress(HashingSource source, GZipStream gzip)
    {
        if (!source.Fill()) return false;
        gzip.Write(source.Available);
        source.Consume(source.Available.Length);
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
