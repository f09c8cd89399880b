using System.Text;
using Gantry.Protocol.Json;
using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Client;

/// <summary>The decoder of logs that were asked for with timestamps.</summary>
/// <remarks>
/// An engine cuts long lines into entries of 16 KiB, and each entry begins with a timestamp: in front of a line, but also in the middle of a long one. With frames
/// an entry begins where a frame does; without (a terminal's log) it can only be where 16 KiB have gone by.
/// </remarks>
internal sealed class LogDecoder(bool multiplexed) : IOutputDecoder
{
    private readonly Entries stdout = new(StreamKind.Stdout), stderr = new(StreamKind.Stderr);
    private readonly FrameSplitter frames = new();

    public IReadOnlyList<OutputLine> Add(ReadOnlySpan<byte> data)
    {
        var lines = new List<OutputLine>();
        if (multiplexed)
        {
            frames.Add(data, (stream, first, payload) =>
            {
                var entries = stream == StreamKind.Stderr ? stderr : stdout;
                if (first) entries.BeginEntry();
                entries.Add(payload, lines, cutsAtLimit: false);
            });
        }
        else
        {
            stdout.Add(data, lines, cutsAtLimit: true);
        }
        return lines;
    }

    public IReadOnlyList<OutputLine> End()
    {
        var lines = new List<OutputLine>();
        stdout.End(lines);
        stderr.End(lines);
        return lines;
    }

    private sealed class Entries(StreamKind stream)
    {
        private const int EntryLimit = 16 * 1024, LongestStamp = 40;

        private readonly LineBuffer line = new();
        private readonly byte[] stamp = new byte[LongestStamp];
        private bool expectsStamp = true, begun;
        private int stampLength, sinceStamp;
        private DateTimeOffset? time;

        /// <summary>A timestamp comes next, whatever came before.</summary>
        public void BeginEntry()
        {
            if (expectsStamp && stampLength > 0) KeepStamp();
            expectsStamp = true;
        }

        public void Add(ReadOnlySpan<byte> data, List<OutputLine> lines, bool cutsAtLimit)
        {
            while (data.Length > 0)
            {
                if (expectsStamp)
                {
                    data = AddToStamp(data);
                    continue;
                }
                if (cutsAtLimit && sinceStamp == EntryLimit && data[0] != '\n')
                {
                    expectsStamp = true;
                    continue;
                }
                int end = data.IndexOf((byte)'\n');
                int count = end < 0 ? data.Length : end;
                if (cutsAtLimit && sinceStamp < EntryLimit) count = Math.Min(count, EntryLimit - sinceStamp);
                line.Add(data[..count]);
                sinceStamp += count;
                begun |= count > 0;
                data = data[count..];
                if (data.Length > 0 && data[0] == '\n')
                {
                    data = data[1..];
                    EndLine(lines);
                }
            }
        }

        public void End(List<OutputLine> lines)
        {
            if (stampLength > 0) KeepStamp();
            if (begun) EndLine(lines);
        }

        /// <summary>Takes bytes up to the space behind the timestamp, or up to where it is clear that there is none.</summary>
        private ReadOnlySpan<byte> AddToStamp(ReadOnlySpan<byte> data)
        {
            int end = data.IndexOfAny((byte)' ', (byte)'\n');
            int count = Math.Min(end < 0 ? data.Length : end, LongestStamp - stampLength);
            data[..count].CopyTo(stamp.AsSpan(stampLength));
            stampLength += count;
            data = data[count..];
            if (data.Length == 0 && stampLength < LongestStamp) return data;
            bool isStamp = data.Length > 0 && WireTime.Parse(Encoding.ASCII.GetString(stamp, 0, stampLength)) is { } parsed && Accept(parsed);
            if (!isStamp) KeepStamp();
            else if (data[0] == ' ') data = data[1..];
            expectsStamp = false;
            stampLength = 0;
            return data;
        }

        private bool Accept(DateTimeOffset parsed)
        {
            if (!begun) time = parsed;
            begun = true;
            sinceStamp = 0;
            return true;
        }

        /// <summary>What looked like the beginning of a timestamp was text.</summary>
        private void KeepStamp()
        {
            line.Add(stamp.AsSpan(0, stampLength));
            begun |= stampLength > 0;
            sinceStamp = stampLength;
            stampLength = 0;
        }

        private void EndLine(List<OutputLine> lines)
        {
            lines.Add(new OutputLine(stream, line.Take(), time));
            time = null;
            begun = false;
            expectsStamp = true;
            sinceStamp = 0;
        }
    }
}
