using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Client;

/// <summary>One line of a container's output, without its line end.</summary>
/// <param name="Timestamp">When it was written; null outside of logs.</param>
internal readonly record struct OutputLine(StreamKind Stream, string Text, DateTimeOffset? Timestamp = null);

/// <summary>Cuts what comes from a container into lines.</summary>
internal interface IOutputDecoder
{
    /// <summary>Adds bytes as they came; gives the lines that are complete now.</summary>
    /// <exception cref="FormatException">The bytes are not frames.</exception>
    IReadOnlyList<OutputLine> Add(ReadOnlySpan<byte> data);

    /// <summary>The last lines, when they did not end with a line feed.</summary>
    IReadOnlyList<OutputLine> End();
}

/// <summary>The decoder of attached streams: takes frames apart where there are any, keeps stdout and stderr apart, and joins lines and characters that were split.</summary>
internal sealed class OutputDecoder(bool multiplexed) : IOutputDecoder
{
    private readonly LineBuffer stdout = new(), stderr = new();
    private readonly FrameSplitter frames = new();

    public IReadOnlyList<OutputLine> Add(ReadOnlySpan<byte> data)
    {
        var lines = new List<OutputLine>();
        if (multiplexed) frames.Add(data, (stream, _, payload) => Add(stream, payload, lines));
        else Add(StreamKind.Stdout, data, lines);
        return lines;
    }

    public IReadOnlyList<OutputLine> End()
    {
        var lines = new List<OutputLine>();
        if (!stdout.IsEmpty) lines.Add(new OutputLine(StreamKind.Stdout, stdout.Take()));
        if (!stderr.IsEmpty) lines.Add(new OutputLine(StreamKind.Stderr, stderr.Take()));
        return lines;
    }

    private void Add(StreamKind stream, ReadOnlySpan<byte> payload, List<OutputLine> lines)
    {
        var buffer = stream is StreamKind.Stderr or StreamKind.SystemError ? stderr : stdout;
        for (int end = payload.IndexOf((byte)'\n'); end >= 0; end = payload.IndexOf((byte)'\n'))
        {
            buffer.Add(payload[..end]);
            lines.Add(new OutputLine(stream, buffer.Take()));
            payload = payload[(end + 1)..];
        }
        buffer.Add(payload);
    }
}
