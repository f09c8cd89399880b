using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Containers.Streams;

/// <summary>The key sequence that leaves a terminal without ending its process: <c>ctrl-p,ctrl-q</c> unless said otherwise.</summary>
internal sealed class DetachKeys
{
    public static readonly DetachKeys Default = new([16, 17]);

    private readonly byte[] sequence;
    private int matched;

    private DetachKeys(byte[] sequence) => this.sequence = sequence;

    /// <param name="text">Letters, or <c>ctrl-</c> and one of <c>a</c>–<c>z @ [ \ ] ^ _</c>, separated by commas; empty is the default.</param>
    /// <param name="called">What dockerd calls them: <c>detach</c> for attach, <c>escape</c> for exec.</param>
    /// <exception cref="EngineException">400 <c>Invalid detach keys (X) provided</c>.</exception>
    public static DetachKeys Parse(string text, string called = "detach")
    {
        if (text.Length == 0) return new DetachKeys(Default.sequence);
        var bytes = new List<byte>();
        foreach (string key in text.Split(','))
        {
            if (key.Length == 1 && key[0] < 128) bytes.Add((byte)key[0]);
            else if (key.Length == 6 && key.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase) && Control(key[5]) is { } code) bytes.Add(code);
            else throw EngineException.InvalidParameter($"Invalid {called} keys ({text}) provided");
        }
        return new DetachKeys([.. bytes]);
    }

    private static byte? Control(char letter) => char.ToLowerInvariant(letter) switch
    {
        >= 'a' and <= 'z' and var l => (byte)(l - 'a' + 1),
        '@' => 0,
        '[' => 27,
        '\\' => 28,
        ']' => 29,
        '^' => 30,
        '_' => 31,
        _ => null,
    };

    /// <summary>Passes input on, holding back what may be the beginning of the sequence. True when the sequence is complete.</summary>
    /// <param name="output">What goes to the process; at least the input's length and the sequence's.</param>
    public bool Filter(ReadOnlySpan<byte> input, Span<byte> output, out int length)
    {
        length = 0;
        foreach (byte key in input)
        {
            if (key == sequence[matched])
            {
                if (++matched < sequence.Length) continue;
                matched = 0;
                return true;
            }
            if (matched > 0)
            {
                sequence.AsSpan(0, matched).CopyTo(output[length..]);
                length += matched;
                matched = 0;
                if (key == sequence[0])
                {
                    matched = 1;
                    if (sequence.Length == 1) return true;
                    continue;
                }
            }
            output[length++] = key;
        }
        return false;
    }

    public int Length => sequence.Length;
}
