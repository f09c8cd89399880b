using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Gantry.Integration.Harness;

/// <summary>A layer that a test makes: always the same for a name.</summary>
/// <param name="Archive">Its tar.</param>
/// <param name="Blob">The tar, gzipped.</param>
/// <param name="Size">Bytes of its files.</param>
internal sealed record MadeLayer(byte[] Archive, byte[] Blob, long Size)
{
    /// <summary>Digest of the tar.</summary>
    public string Diff { get; } = DigestOf(Archive);

    /// <summary>Digest of the gzipped tar.</summary>
    public string Digest { get; } = DigestOf(Blob);

    public static string DigestOf(byte[] data) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(data));

    /// <param name="name">Of its files too.</param>
    /// <param name="size">Bytes of each file; they cannot be compressed.</param>
    public static MadeLayer Make(string name, int size, int files = 1)
    {
        var random = new Random(BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
        byte[] content = new byte[size];
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            for (int i = 0; i < files; i++)
            {
                random.NextBytes(content);
                string file = name.Replace('/', '-') + (i == 0 ? "" : $"-{i}");
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file) { DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch });
            }
        }
        byte[] whole = archive.ToArray();
        return new MadeLayer(whole, Gzip(whole), (long)size * files);
    }

    public static byte[] Gzip(byte[] data)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(data);
        return output.ToArray();
    }
}
