namespace Gantry.PowerShell.Cmdlets;

/// <summary>The keys that leave a terminal without ending its process. The engine acts on them; here they are only noticed, so that an end can be told from a leave.</summary>
internal sealed class DetachKeys
{
    private const string Default = "ctrl-p,ctrl-q";

    private readonly byte[] sequence;
    private int matched;

    private DetachKeys(byte[] sequence) => this.sequence = sequence;

    /// <summary>Whether all of them have come, one after the other.</summary>
    public bool WerePressed { get; private set; }

    /// <param name="text">Letters, or <c>ctrl-</c> and one of <c>a</c>–<c>z @ [ \ ] ^ _</c>, separated by commas; null is the engine's default. What the engine would refuse is never noticed.</param>
    public static DetachKeys Parse(string? text) => new([.. (text ?? Default).Split(',').Select(Code)]);

    private static byte Code(string key) => key.Length switch
    {
        1 => (byte)key[0],
        6 when key.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase) => (byte)(char.ToUpperInvariant(key[5]) & 31),   // ASCII: a control character is its letter without the upper bits
        _ => byte.MaxValue,   // no key: it is no byte of UTF-8
    };

    /// <summary>Looks at what is typed, as it comes.</summary>
    public void Notice(ReadOnlySpan<byte> keys)
    {
        foreach (byte key in keys)
        {
            matched = key == sequence[matched] ? matched + 1 : key == sequence[0] ? 1 : 0;
            if (matched < sequence.Length) continue;
            WerePressed = true;
            matched = 0;
        }
    }
}
