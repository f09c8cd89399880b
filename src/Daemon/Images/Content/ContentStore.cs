using System.Security.Cryptography;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Content;

/// <summary>Documents by digest, in the form of an OCI layout: <c>content/blobs/sha256/…</c>. Image configurations live here; layers are kept unpacked.</summary>
/// <remarks>A blob is written in <c>content/ingest</c>, verified, synced and renamed: under its digest nothing is ever seen that does not have that digest.</remarks>
public sealed class ContentStore : IDisposable
{
    private readonly DirectoryFd blobs;
    private readonly DirectoryFd ingest;

    /// <summary>Opens or creates the store and removes what a crash has left in its ingest directory.</summary>
    public ContentStore(string dataRoot)
    {
        using var root = DirectoryFd.Open(dataRoot);
        using var content = root.EnsureDirectory("content", 0x1c0);
        using var all = content.EnsureDirectory("blobs", 0x1c0);
        blobs = all.EnsureDirectory("sha256", 0x1c0);
        ingest = content.EnsureDirectory("ingest", 0x1c0);
        TreeRemoval.RemoveContent(ingest);
    }

    /// <summary>Adds a document, once; it is on disk when the task completes.</summary>
    public Task<Digest> AddAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => Task.Run(() => Add(data.Span), cancellation);

    private Digest Add(ReadOnlySpan<byte> data)
    {
        var digest = Digest.Of(data);
        if (IsWhole(digest)) return digest;
        string name = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        try
        {
            using (var file = ingest.OpenFile(name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x180))
            {
                FileData.Write(file, data, "write a blob");
                FileData.Sync(file);
            }
            ingest.Rename(name, blobs, digest.Hex);
            FileData.Sync(blobs);
        }
        catch
        {
            ingest.TryRemoveFile(name);
            throw;
        }
        return digest;
    }

    /// <summary>One that was changed on disk is written anew.</summary>
    private bool IsWhole(Digest digest)
    {
        if (!blobs.Exists(digest.Hex)) return false;
        try
        {
            Read(digest);
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>A place for documents whose use is not known yet.</summary>
    /// <param name="limit">Bytes of the largest document that is kept.</param>
    public DocumentSpool BeginSpool(int limit) => new(ingest, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), limit);

    public bool Contains(Digest digest) => blobs.Exists(digest.Hex);

    /// <summary>A whole document, verified.</summary>
    /// <exception cref="KernelException"><c>ENOENT</c>: the store does not have it.</exception>
    /// <exception cref="InvalidDataException">It was changed on disk.</exception>
    public byte[] Read(Digest digest)
    {
        using var file = blobs.OpenFile(digest.Hex, OpenFlags.ReadOnly);
        byte[] data = new byte[DirectoryFd.StatusOf(file).Size];
        int done = 0;
        for (int read; done < data.Length && (read = FileData.Read(file, data.AsSpan(done))) > 0;) done += read;
        return done == data.Length && Digest.Of(data) == digest ? data : throw new InvalidDataException($"the blob {digest} was changed on disk");
    }

    /// <summary>Takes a document away; one that is not there is no error.</summary>
    public void Remove(Digest digest)
    {
        var removed = blobs.TryRemoveFile(digest.Hex);
        if (removed.Errno != Errno.ENOENT) removed.Check("remove blob", digest.Hex);
    }

    /// <summary>Every digest in the store, in no order.</summary>
    public IReadOnlyList<Digest> List()
    {
        var found = new List<Digest>();
        using var reader = new DirectoryReader(blobs);
        while (reader.MoveNext())
        {
            if (Digest.TryParseHex(System.Text.Encoding.ASCII.GetString(reader.Name), out var digest)) found.Add(digest);
        }
        return found;
    }

    public void Dispose()
    {
        blobs.Dispose();
        ingest.Dispose();
    }
}
