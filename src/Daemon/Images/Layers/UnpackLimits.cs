using System.Globalization;

namespace Gantry.Daemon.Images.Layers;

/// <summary>How much one archive from outside may ask for before it is refused.</summary>
public sealed record UnpackLimits
{
    public static readonly UnpackLimits Default = new();

    /// <summary>Bytes of one layer, uncompressed.</summary>
    public long LayerBytes { get; init; } = 256L << 30;

    /// <summary>Files, directories and links of one layer.</summary>
    public long LayerEntries { get; init; } = 20_000_000;

    /// <summary>
    /// How many times larger than its compressed form a layer may be, once it is larger than <see cref="RatioFloor"/>. gzip cannot reach 1033,
    /// so real layers never meet it; the formats that can pack gigabytes of zeros into kilobytes do.
    /// </summary>
    public int Ratio { get; init; } = 2000;

    public long RatioFloor { get; init; } = 1L << 30;

    /// <summary>Bytes of a manifest, an index or a configuration: what is parsed in memory.</summary>
    public int DocumentBytes { get; init; } = 16 << 20;

    /// <summary>Files in an archive of images.</summary>
    public int ArchiveEntries { get; init; } = 100_000;

    /// <summary>Refuses what is too large, or has grown too much while it was decompressed.</summary>
    /// <param name="what"><c>layer</c>, <c>archive</c>: names it in the error.</param>
    /// <exception cref="InvalidArchiveException">It is.</exception>
    public void CheckSize(string what, long expanded, long compressed)
    {
        if (expanded > LayerBytes) throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"the {what} is larger than {LayerBytes} bytes, the limit"));
        if (expanded > RatioFloor && expanded / Ratio > compressed)
            throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"the {what} expands to more than {Ratio} times its compressed size, the limit for {what}s over {RatioFloor} bytes"));
    }

    /// <exception cref="InvalidArchiveException">There are too many.</exception>
    public void CheckEntries(string what, long entries)
    {
        if (entries > LayerEntries) throw new InvalidArchiveException(string.Create(CultureInfo.InvariantCulture, $"the {what} has more than {LayerEntries} entries, the limit"));
    }
}
