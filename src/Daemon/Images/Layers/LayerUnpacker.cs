using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Turns an uncompressed layer archive into a directory and the record of its archive, in one pass.</summary>
internal sealed class LayerUnpacker(DirectoryFd root, Stream splitFile, UnpackLimits limits, bool plainMarks) : IDisposable
{
    private readonly LayerTree tree = new(root, plainMarks);
    private readonly TarSplitWriter split = new(splitFile);

    /// <summary>Sum of the sizes of all files.</summary>
    public long Size => tree.Size;

    /// <summary>Reads the source to its end.</summary>
    /// <exception cref="InvalidArchiveException">The archive is damaged or asks for what it must not have.</exception>
    public void Run(ByteSource archive)
    {
        var reader = new TarReader(archive, split);
        while (reader.MoveNext())
        {
            var entry = reader.Entry;
            if (entry.Type == TarEntryType.GnuVolume) continue;
            limits.CheckEntries("layer", tree.Entries + 1);
            if (!tree.Add(entry, out var file)) continue;
            using (file)
            {
                EntryContent.Write(reader, file!);
                Note(entry);
                tree.Close(file!, entry);
            }
        }
        tree.Complete();
        split.Complete();
    }

    private void Note(TarEntry entry)
    {
        if (entry.Segments is { } segments)
        {
            foreach (var (offset, length) in segments) split.File(tree.RealPath, offset, length);
        }
        else if (entry.StoredSize > 0)
        {
            split.File(tree.RealPath, 0, entry.StoredSize);
        }
    }

    public void Dispose()
    {
        tree.Dispose();
        split.Dispose();
    }
}
