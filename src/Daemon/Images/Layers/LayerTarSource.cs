using System.Buffers.Binary;
using System.IO.Compression;
using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>A layer's archive, put together again from its files and what <see cref="TarSplitWriter"/> kept.</summary>
internal sealed class LayerTarSource : ByteSource
{
    private readonly string layer;
    private readonly DirectoryFd root;
    private readonly GZipStream split;
    private readonly byte[] block = new byte[BlockPipe.BlockSize];
    private readonly byte[] head = new byte[21];
    private int rawLeft;
    private Fd? file;
    private byte[] filePath = [];
    private long fileOffset;
    private long fileLeft;
    private bool ended;

    /// <param name="layer">Names the layer in errors.</param>
    /// <param name="root">The layer's files. The source takes ownership.</param>
    /// <param name="split">What was kept. The source takes ownership.</param>
    /// <exception cref="InvalidDataException">The kept list is of another kind.</exception>
    public LayerTarSource(string layer, DirectoryFd root, Stream split)
    {
        this.layer = layer;
        this.root = root;
        this.split = new GZipStream(split, CompressionMode.Decompress);
        Span<byte> magic = stackalloc byte[TarSplitWriter.Magic.Length];
        this.split.ReadExactly(magic);
        if (!magic.SequenceEqual(TarSplitWriter.Magic)) throw Damaged("its archive's record is of an unknown kind");
    }

    /// <remarks>Blocks come full, except the last, whatever the sizes of the pieces.</remarks>
    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        int filled = 0;
        while (filled < block.Length && !ended)
        {
            var space = block.AsSpan(filled);
            if (rawLeft > 0) filled += ReadRaw(space);
            else if (fileLeft > 0) filled += ReadFile(space);
            else ReadRecord();
        }
        next = block.AsMemory(0, filled);
        return filled > 0;
    }

    private int ReadRaw(Span<byte> space)
    {
        int read = split.Read(space[..Math.Min(space.Length, rawLeft)]);
        if (read == 0) throw Damaged("its archive's record ends too early");
        rawLeft -= read;
        return read;
    }

    private int ReadFile(Span<byte> space)
    {
        int read = FileData.Read(file!, space[..(int)Math.Min(space.Length, fileLeft)], fileOffset);
        if (read == 0) throw Damaged($"the file {FilePath.Printable(filePath)} is shorter than it was");
        fileOffset += read;
        fileLeft -= read;
        return read;
    }

    private void ReadRecord()
    {
        split.ReadExactly(head.AsSpan(0, 1));
        switch (head[0])
        {
            case TarSplitWriter.RawRecord:
                split.ReadExactly(head.AsSpan(1, 4));
                rawLeft = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(1));
                break;
            case TarSplitWriter.FileRecord:
                split.ReadExactly(head.AsSpan(1, 20));
                byte[] path = new byte[BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(1))];
                split.ReadExactly(path);
                OpenFile(path);
                fileOffset = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(5));
                fileLeft = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(13));
                break;
            case TarSplitWriter.EndRecord:
                ended = true;
                break;
            default:
                throw Damaged("its archive's record is damaged");
        }
    }

    private void OpenFile(byte[] path)
    {
        if (file is not null && path.AsSpan().SequenceEqual(filePath)) return;   // the next piece of a sparse file
        file?.Dispose();
        file = null;
        const ResolveFlags Inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks;
        var opened = root.TryResolve(path, OpenFlags.ReadOnly, 0, Inside, out file);
        if (!opened.Succeeded) throw Damaged($"the file {FilePath.Printable(path)} cannot be opened: {opened.Errno.Describe()}");
        filePath = path;
    }

    private InvalidDataException Damaged(string what) => new($"layer {layer} was changed on disk: {what}");

    protected override void Dispose(bool disposing)
    {
        file?.Dispose();
        split.Dispose();
        root.Dispose();
        base.Dispose(disposing);
    }
}
