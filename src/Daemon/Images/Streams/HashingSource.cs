using System.Security.Cryptography;
using Gantry.Daemon.Images.Content;

namespace Gantry.Daemon.Images.Streams;

/// <summary>Hashes what passes through it. The digest is that of the whole source once it has been drained.</summary>
public sealed class HashingSource(ByteSource source) : ByteSource
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int lent;

    /// <summary>Bytes that have passed.</summary>
    public long Length { get; private set; }

    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        source.Consume(lent);
        lent = 0;
        if (!source.Fill())
        {
            next = default;
            return false;
        }
        next = source.Block;
        lent = next.Length;
        hash.AppendData(next.Span);
        Length += lent;
        return true;
    }

    /// <summary>Reads to the end and gives the digest.</summary>
    public Digest Finish()
    {
        Drain();
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetCurrentHash(bytes);
        return Digest.FromSha256(bytes);
    }

    protected override void Dispose(bool disposing)
    {
        hash.Dispose();
        base.Dispose(disposing);
    }
}
