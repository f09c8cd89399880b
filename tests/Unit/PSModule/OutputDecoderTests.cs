using System.Text;
using Gantry.PowerShell.Client;
using Gantry.Protocol.Streams;

namespace Gantry.Unit.PSModule;

public sealed class OutputDecoderTests
{
    private static byte[] Frame(StreamKind kind, string payload)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(payload), frame = new byte[StreamFrame.HeaderSize + bytes.Length];
        StreamFrame.WriteHeader(frame, kind, bytes.Length);
        bytes.CopyTo(frame, StreamFrame.HeaderSize);
        return frame;
    }

    /// <summary>Feeds the bytes in pieces of one size: wherever they are cut, the lines are the same.</summary>
    private static List<OutputLine> Decode(IOutputDecoder decoder, byte[] bytes, int piece)
    {
        var lines = new List<OutputLine>();
        for (int i = 0; i < bytes.Length; i += piece) lines.AddRange(decoder.Add(bytes.AsSpan(i, Math.Min(piece, bytes.Length - i))));
        lines.AddRange(decoder.End());
        return lines;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Lines_are_joined_wherever_frames_and_reads_cut_them(int piece)
    {
        byte[] stream = [.. Frame(StreamKind.Stdout, "one\ntw"), .. Frame(StreamKind.Stderr, "err\n"), .. Frame(StreamKind.Stdout, "o\r\n\nä€"), .. Frame(StreamKind.Stdout, "!")];

        var lines = Decode(new OutputDecoder(multiplexed: true), stream, piece);

        Assert.Equal(["one", "two", "", "ä€!"], lines.Where(l => l.Stream == StreamKind.Stdout).Select(l => l.Text));
        Assert.Equal(["err"], lines.Where(l => l.Stream == StreamKind.Stderr).Select(l => l.Text));
    }

    [Fact]
    public void A_terminals_bytes_have_no_frames()
    {
        var lines = Decode(new OutputDecoder(multiplexed: false), "a\r\nb"u8.ToArray(), 2);

        Assert.Equal(["a", "b"], lines.Select(l => l.Text));
    }

    [Fact]
    public void Bytes_that_are_no_frames_are_refused()
    {
        var decoder = new OutputDecoder(multiplexed: true);

        Assert.Throws<FormatException>(() => decoder.Add("HTTP/1.1 500"u8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100_000)]
    public void A_log_line_of_several_entries_has_one_timestamp_and_no_other_in_it(int piece)
    {
        const string first = "2026-11-21T22:19:08.603273216Z", second = "2026-11-21T22:19:08.603273999Z";
        string half = new('x', 16 * 1024);
        byte[] stream = [.. Frame(StreamKind.Stdout, $"{first} {half}"), .. Frame(StreamKind.Stdout, $"{second} yz\n"), .. Frame(StreamKind.Stdout, $"{second} \n")];

        var lines = Decode(new LogDecoder(multiplexed: true), stream, piece);

        Assert.Equal([half + "yz", ""], lines.Select(l => l.Text));
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 22, 19, 8, TimeSpan.Zero).AddTicks(6032732), lines[0].Timestamp);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    public void A_terminals_log_line_of_several_entries_is_one_too(int piece)
    {
        const string stamp = "2026-11-21T22:19:08.603273216Z";
        string entry = new('x', 16 * 1024);

        var lines = Decode(new LogDecoder(multiplexed: false), Encoding.ASCII.GetBytes($"{stamp} {entry}{stamp} rest\r\n{stamp} next\n"), piece);

        Assert.Equal([entry + "rest", "next"], lines.Select(l => l.Text));
    }

    [Fact]
    public void Two_lines_in_one_frame_have_their_own_timestamps()
    {
        byte[] stream = Frame(StreamKind.Stderr, "2026-01-01T00:00:01Z a\n2026-01-01T00:00:02Z b\n");

        var lines = Decode(new LogDecoder(multiplexed: true), stream, 9);

        Assert.Equal([1, 2], lines.Select(l => l.Timestamp!.Value.Second));
        Assert.Equal(["a", "b"], lines.Select(l => l.Text));
    }

    [Fact]
    public void What_only_looks_like_a_timestamp_is_text()
    {
        var lines = Decode(new LogDecoder(multiplexed: true), Frame(StreamKind.Stdout, "no stamp here\nword\n"), 4);

        Assert.Equal(["no stamp here", "word"], lines.Select(l => l.Text));
        Assert.All(lines, l => Assert.Null(l.Timestamp));
    }
}
