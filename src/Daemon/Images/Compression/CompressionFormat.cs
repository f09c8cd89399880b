namespace Gantry.Daemon.Images.Compression;

/// <summary>How an archive is compressed, told by its first bytes.</summary>
public enum CompressionFormat
{
    None,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

public static class CompressionFormats
{
    /// <summary>The formats that Docker takes (<c>docker import</c>, <c>docker load</c>, layers).</summary>
    public static CompressionFormat Detect(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b, 0x08])) return CompressionFormat.Gzip;
        if (start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd])) return CompressionFormat.Zstd;
        if (IsZstdSkippable(start)) return CompressionFormat.Zstd;
        if (start.StartsWith("BZh"u8)) return CompressionFormat.Bzip2;
        if (start.StartsWith((ReadOnlySpan<byte>)[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return CompressionFormat.Xz;
        return CompressionFormat.None;
    }

    /// <summary>A frame of user data before the first real one (RFC 8878, 3.1.2): magic number 0x184D2A50 to 0x184D2A5F.</summary>
    private static bool IsZstdSkippable(ReadOnlySpan<byte> start) =>
        start.Length >= 4 && (start[0] & 0xf0) == 0x50 && start[1] == 0x2a && start[2] == 0x4d && start[3] == 0x18;
}
