using Gantry.Daemon.Images.Compression;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Layers;

/// <summary>A layer that is being unpacked in a temporary directory. Unless it is installed, disposing it removes every trace.</summary>
/// <remarks>
/// <code>
///  blob ─► sha256 ─► decompress ─► sha256 ─► pipe ─┬─► files           layers/tmp-…/diff
///          (digest)                (diff id)       └─► archive record  layers/tmp-…/split.gz
///  └───────────── the caller's thread ────────────┘ └── a thread of its own ──┘
/// </code>
/// </remarks>
public sealed partial class PendingLayer : IDisposable
{
    public const string FilesName = "diff", SplitName = "split.gz";

    private readonly DirectoryFd store;
    private readonly UnpackLimits limits;
    private readonly bool plainMarks;
    private bool removed;

    internal PendingLayer(DirectoryFd store, string name, UnpackLimits limits, bool plainMarks)
    {
        this.store = store;
        this.limits = limits;
        this.plainMarks = plainMarks;
        Name = name;
        store.MakeDirectory(name, 0x1c0);
    }

    /// <summary>Whether it has been given its place in the store.</summary>
    public bool IsInstalled { get; private set; }

    /// <summary>The temporary directory's name in the store.</summary>
    internal string Name { get; }

    /// <summary>What the bytes must hash to as they come; null takes any.</summary>
    public Digest? Expected { get; init; }

    /// <summary>Digest of the uncompressed archive. Known after <see cref="UnpackAsync"/> has completed, as are the others.</summary>
    public Digest Diff { get; private set; }

    /// <summary>Digest of the bytes as they came, compressed or not.</summary>
    public Digest Blob { get; private set; }

    public long BlobSize { get; private set; }

    public long Size { get; private set; }

    public long ArchiveSize { get; private set; }

    /// <summary>
    /// Reads a blob to its end on the calling thread, which must be one that may block, and writes its files on another. The call returns
    /// when the blob has been read; the task completes when the files are written. When the call throws, the other thread has ended too.
    /// </summary>
    /// <exception cref="InvalidArchiveException">In the task too: the blob is damaged, hostile or too large.</exception>
    public Task UnpackAsync(ByteSource blob, CancellationToken cancellation)
    {
        var pipe = new BlockPipe(cancellation);
        var writing = Task.Factory.StartNew(() => WriteFiles(pipe), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            ReadBlob(blob, pipe);
            pipe.Complete();
        }
        catch (Exception e)
        {
            pipe.Complete(e);   // the writer ends with the same error, unless it was its own
            ((IAsyncResult)writing).AsyncWaitHandle.WaitOne();
            _ = writing.Exception;
            throw;
        }
        return writing;
    }

    private void ReadBlob(ByteSource blob, BlockPipe pipe)
    {
        using var hashedBlob = new HashingSource(blob);
        try
        {
            ReadArchive(hashedBlob, pipe);
        }
        catch (InvalidArchiveException e) when (Expected is { } expected)
        {
            // A blob that was damaged on its way mostly shows as a damaged archive. The rest is read to say which of the two it is.
            if (hashedBlob.Finish() != expected) throw InvalidArchiveException.WrongBlob(expected, e);
            throw;
        }
        Blob = hashedBlob.Finish();
        BlobSize = hashedBlob.Length;
        if (Expected is { } wanted && Blob != wanted) throw InvalidArchiveException.WrongBlob(wanted);
    }

    private void ReadArchive(HashingSource hashedBlob, BlockPipe pipe)
    {
        var archive = Decompression.Open(hashedBlob, out var format);
        using var decompressor = format == CompressionFormat.None ? null : archive;
        using var hashed = format == CompressionFormat.None ? null : new HashingSource(archive);
        var content = hashed ?? archive;
        while (content.Fill())
        {
            var data = content.Available;
            ArchiveSize += data.Length;
            limits.CheckSize("layer", ArchiveSize, hashedBlob.Length);
            pipe.Write(data);
            content.Consume(data.Length);
        }
        Diff = hashed?.Finish() ?? hashedBlob.Finish();
    }

    private void WriteFiles(BlockPipe archive)
    {
        try
        {
            using var directory = store.OpenDirectory(Name);
            directory.MakeDirectory(FilesName, 0x1ed);
            using var root = directory.OpenDirectory(FilesName);
            OpenFileAttributes.ChangeMode(root, 0x1ed);
            using var split = directory.CreateFileStream(SplitName);
            using var unpacker = new LayerUnpacker(root, split, limits, plainMarks);
            unpacker.Run(archive);
            Size = unpacker.Size;
        }
        catch (Exception e)
        {
            archive.Abandon(e);
            throw;
        }
        finally
        {
            archive.Dispose();
        }
    }

    /// <summary>From here on the directory belongs to the store under another name.</summary>
    internal void MarkInstalled() => IsInstalled = true;

    public void Dispose()
    {
        if (IsInstalled || removed) return;
        removed = true;
        TreeRemoval.Remove(store, Name);
    }
}
