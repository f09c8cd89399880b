namespace Gantry.Daemon.Images.Streams;

/// <summary>Counts the bytes that pass through it. The source stays its owner's.</summary>
internal sealed class CountingSource(ByteSource source) : ByteSource
{
    private int lent;

    public long Length { get; private set; }

    /// <summary>Told of all bytes so far, with every block.</summary>
    public Action<long>? Passed { get; init; }

    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        source.Consume(lent);
        lent = 0;
        next = default;
        if (!source.Fill()) return false;
        next = source.Block;
        lent = next.Length;
        Length += lent;
        Passed?.Invoke(Length);
        return true;
    }
}
