using System.Globalization;
using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Content;

/// <summary>Documents of an archive that is being read, in a directory of their own until it is known which of them matter. Disposing it deletes them.</summary>
public sealed class DocumentSpool : IDisposable
{
    private readonly DirectoryFd ingest;
    private readonly string name;
    private readonly DirectoryFd directory;
    private readonly int limit;
    private int count;

    internal DocumentSpool(DirectoryFd ingest, string name, int limit)
    {
        this.ingest = ingest;
        this.name = name;
        this.limit = limit;
        ingest.MakeDirectory(name, 0x1c0);
        directory = ingest.OpenDirectory(name);
    }

    /// <summary>Keeps what a source gives. Of one that is too large nothing is kept.</summary>
    public SpooledDocument Add(ByteSource source)
    {
        string file = (count++).ToString(CultureInfo.InvariantCulture);
        using var hashed = new HashingSource(source);
        using (var output = directory.OpenFile(file, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x180))
        {
            while (hashed.Fill() && hashed.Length <= limit)
            {
                FileData.Write(output, hashed.Available, "write a document");
                hashed.Consume(hashed.Available.Length);
            }
        }
        var digest = hashed.Finish();
        bool isKept = hashed.Length <= limit;
        if (!isKept) directory.RemoveFile(file);
        return new SpooledDocument(isKept ? file : null, digest, hashed.Length);
    }

    /// <exception cref="InvalidArchiveException">It was too large to be kept.</exception>
    public byte[] Read(SpooledDocument document, string path)
    {
        if (document.File is null)
            throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"{path} has {document.Size} bytes, more than {limit}, the limit for documents"));
        using var file = directory.OpenFile(document.File, OpenFlags.ReadOnly);
        byte[] data = new byte[document.Size];
        int done = 0;
        for (int read; done < data.Length && (read = FileData.Read(file, data.AsSpan(done))) > 0;) done += read;
        return data;
    }

    public void Dispose()
    {
        directory.Dispose();
        TreeRemoval.Remove(ingest, name);
    }
}

/// <param name="File">Null when it was too large.</param>
public sealed record SpooledDocument(string? File, Digest Digest, long Size);
