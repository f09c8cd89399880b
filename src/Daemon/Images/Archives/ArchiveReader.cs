using System.Globalization;
using System.Text;
using Gantry.Daemon.Images.Compression;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Archives;

/// <summary>Reads an archive of images once, front to back: what can be a layer is unpacked as it comes, everything else is put aside.</summary>
/// <remarks>
/// The documents that say what is what stand at the end of the archives that Docker writes. A layer's files do not depend on what lies
/// below it, so nothing has to wait for them: unpacking is a bet that the blob will turn out to be a layer, and no byte is written twice.
/// </remarks>
internal sealed class ArchiveReader(LayerStore layers, ArchiveContents contents, UnpackLimits limits, ProgressReporter? progress)
{
    private const string BlobPrefix = "blobs/sha256/";

    /// <summary>Layers whose files are being written at the same time: the next is begun while the last one's tail is being written.</summary>
    private const int InFlight = 2;

    private readonly SemaphoreSlim inFlight = new(InFlight);
    private byte[] clean = new byte[256];

    /// <summary>Reads to the end on the calling thread. Layers may still be being written then.</summary>
    /// <exception cref="InvalidArchiveException">The archive is damaged, or one of its blobs has another digest than its name says.</exception>
    public void Run(ByteSource source, CancellationToken cancellation)
    {
        using var archive = Decompression.Open(source, out _);
        var reader = new TarReader(archive);
        int entries = 0;
        while (reader.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            if (++entries > limits.ArchiveEntries)
                throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"the archive has more than {limits.ArchiveEntries} entries, the limit"));
            Read(reader, Clean(reader.Entry.Name, reader.Entry), cancellation);
        }
        source.Drain();
    }

    private string Clean(ReadOnlySpan<byte> name, TarEntry entry) =>
        EntryPath.TryClean(name, ref clean, out int length)
            ? Encoding.UTF8.GetString(clean.AsSpan(0, length))
            : throw new InvalidArchiveException($"invalid entry name \"{entry.DisplayName}\"");

    private void Read(TarReader reader, string path, CancellationToken cancellation)
    {
        var entry = reader.Entry;
        switch (entry.Type)
        {
            case TarEntryType.SymbolicLink:
                // skopeo and old versions of Docker name one layer several times by links: relative to the link's own directory.
                byte[] target = [.. Encoding.UTF8.GetBytes(Directory(path)), (byte)'/', .. entry.LinkName];
                contents.AddLink(path, Clean(target, entry));
                break;
            case TarEntryType.HardLink:
                contents.AddLink(path, Clean(entry.LinkName, entry));
                break;
            case var _ when entry.IsRegular && entry.Segments is null:
                using (var content = new EntrySource(reader)) contents.Add(path, ReadFile(content, path, entry.Size, cancellation));
                break;
            case var _ when entry.IsRegular:
                throw new InvalidArchiveException($"invalid archive: {FilePath.Printable(entry.Name)} is a sparse file");
        }
    }

    private static string Directory(string path) => path[..Math.Max(path.LastIndexOf('/'), 0)];

    private ArchiveItem ReadFile(EntrySource content, string path, long size, CancellationToken cancellation)
    {
        Digest? expected = path.StartsWith(BlobPrefix, StringComparison.Ordinal) && Digest.TryParseHex(path[BlobPrefix.Length..], out var digest) ? digest : null;
        // Nothing at all is an archive without entries, and no document.
        bool isLayer = !content.Fill() || CompressionFormats.Detect(content.Available) != CompressionFormat.None || TarHeader.Begins(content.Available);
        if (!isLayer)
        {
            var document = contents.Spool.Add(content);
            Verify(expected, document.Digest);
            return new DocumentItem(document);
        }
        if (expected is { } diff && layers.FindByDiff(diff) is { } known && layers.TryLease(known.Chain) is { } lease) return Skip(content, lease, diff);
        return Unpack(content, path, expected, size, cancellation);
    }

    private static KnownItem Skip(EntrySource content, LayerLease lease, Digest expected)
    {
        try
        {
            using var hashed = new HashingSource(content);
            Verify(expected, hashed.Finish());
            return new KnownItem(lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private UnpackedItem Unpack(EntrySource content, string path, Digest? expected, long size, CancellationToken cancellation)
    {
        inFlight.Wait(cancellation);
        var pending = layers.Begin();
        try
        {
            using var reported = new CountingSource(content) { Passed = progress is null ? null : done => progress.Report(Label(path), "Loading layer", done, size) };
            return new UnpackedItem(pending, FinishAsync(pending.UnpackAsync(reported, cancellation), pending, expected));
        }
        catch
        {
            pending.Dispose();
            throw;
        }
    }

    private async Task FinishAsync(Task writing, PendingLayer pending, Digest? expected)
    {
        try
        {
            await writing.ConfigureAwait(false);
            Verify(expected, pending.Blob);
        }
        finally
        {
            inFlight.Release();
        }
    }

    /// <summary>What a client shows a layer's progress under: twelve digits of whatever names it.</summary>
    private static string Label(string path)
    {
        string name = path.EndsWith("/layer.tar", StringComparison.Ordinal) ? Directory(path) : path;
        name = name[(name.LastIndexOf('/') + 1)..];
        return name.Length > 12 ? name[..12] : name;
    }

    private static void Verify(Digest? expected, Digest actual)
    {
        if (expected is { } digest && digest != actual) throw new InvalidArchiveException($"invalid archive: the blob {digest} has the digest {actual}");
    }

    /// <summary>The content of the archive's current entry.</summary>
    private sealed class EntrySource(TarReader reader) : ByteSource
    {
        private int lent;

        protected override bool Next(out ReadOnlyMemory<byte> next)
        {
            reader.Consume(lent);
            next = reader.ContentBlock();
            lent = next.Length;
            return lent > 0;
        }
    }
}
