using System.Text;
using Gantry.Daemon.Containers.Streams;
using Gantry.Protocol.Streams;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Containers;

public sealed class FrameMeterTests
{
    private static byte[] Frame(StreamKind kind, string text)
    {
        byte[] frame = new byte[StreamFrame.HeaderSize + text.Length];
        StreamFrame.WriteHeader(frame, kind, text.Length);
        Encoding.ASCII.GetBytes(text, frame.AsSpan(StreamFrame.HeaderSize));
        return frame;
    }

    private static string Text(List<byte> stream)
    {
        var text = new StringBuilder();
        byte[] bytes = [.. stream];
        for (int at = 0; at < bytes.Length;)
        {
            Assert.True(StreamFrame.TryReadHeader(bytes.AsSpan(at), out var kind, out int length));
            text.Append(kind == StreamKind.Stdout ? 'o' : 'e').Append(Encoding.ASCII.GetString(bytes, at + StreamFrame.HeaderSize, length));
            at += StreamFrame.HeaderSize + length;
        }
        return text.ToString();
    }

    /// <summary>Feeds it as a session does: what is beyond the end of a piece comes again with the next.</summary>
    private static void Feed(FrameMeter meter, byte[] data, List<byte> client, int pieces)
    {
        byte[] kept = [];
        for (int at = 0; at < data.Length; at += pieces)
        {
            byte[] piece = [.. kept, .. data.AsSpan(at, Math.Min(pieces, data.Length - at)).ToArray()];
            Assert.True(meter.Take(piece, out int from, out int to));
            client.AddRange(piece[from..to]);
            kept = piece[to..];
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void A_client_sees_the_same_wherever_its_supervisor_dies(int pieces)
    {
        byte[] whole = [.. Frame(StreamKind.Stdout, "first"), .. Frame(StreamKind.Stderr, "second"), .. Frame(StreamKind.Stdout, "third")];
        for (int cut = 0; cut <= whole.Length; cut++)
        {
            var meter = new FrameMeter();
            meter.Begin(new AttachedReply { Stdout = 1000, Stderr = 2000 });
            var client = new List<byte>();
            Feed(meter, whole[..cut], client, pieces);
            var received = meter.Received;
            meter.GoOn();
            string stdout = "firstthird"[(int)(received.Stdout - 1000)..], stderr = "second"[(int)(received.Stderr - 2000)..];
            // The next supervisor begins with what is missing of the piece that was under way.
            List<byte> rest = [];
            if (stdout.Length > 5) rest.AddRange(Frame(StreamKind.Stdout, stdout[..^5]));
            if (stderr.Length > 0) rest.AddRange(Frame(StreamKind.Stderr, stderr));
            if (stdout.Length > 0) rest.AddRange(Frame(StreamKind.Stdout, stdout.Length > 5 ? "third" : stdout));
            Feed(meter, [.. rest], client, pieces);
            Assert.Equal("ofirstesecondothird", Text(client));
            Assert.Equal((1010, 2006), (meter.Received.Stdout, meter.Received.Stderr));
        }
    }

    [Fact]
    public void Another_frame_than_the_rest_of_the_one_that_was_cut_off_is_noticed()
    {
        var meter = new FrameMeter();
        Assert.True(meter.Take(Frame(StreamKind.Stdout, "abc").AsSpan(0, 10), out _, out int to));
        Assert.Equal(10, to);
        meter.GoOn();
        Assert.False(meter.Take(Frame(StreamKind.Stderr, "c"), out _, out _));
    }
}
