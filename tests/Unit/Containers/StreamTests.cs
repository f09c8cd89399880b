using System.Text;
using Gantry.Daemon.Containers.Logs;
using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Linux.Polling;
using Gantry.Protocol.Streams;
using Gantry.Supervisor.Logs;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Containers;

public sealed class StreamTests
{
    private static (bool Detached, string Passed) Type(DetachKeys keys, params byte[][] pieces)
    {
        var passed = new List<byte>();
        byte[] output = new byte[256];
        foreach (byte[] piece in pieces)
        {
            bool detached = keys.Filter(piece, output, out int length);
            passed.AddRange(output.AsSpan(0, length).ToArray());
            if (detached) return (true, Encoding.ASCII.GetString([.. passed]));
        }
        return (false, Encoding.ASCII.GetString([.. passed]));
    }

    [Fact]
    public void The_detach_keys_end_a_session_even_when_they_come_one_by_one()
    {
        Assert.Equal((true, "ab"), Type(DetachKeys.Parse(""), [(byte)'a', (byte)'b', 16], [17]));
        Assert.Equal((true, ""), Type(DetachKeys.Parse("ctrl-x,q"), [24, (byte)'q']));
    }

    [Fact]
    public void A_beginning_of_the_keys_that_goes_on_differently_reaches_the_process() =>
        Assert.Equal((false, "\u0010x\u0010\u0010y"), Type(DetachKeys.Parse(""), [16, (byte)'x', 16, 16, (byte)'y']));

    [Theory]
    [InlineData("ctrl-")]
    [InlineData("ctrl-1")]
    [InlineData("ab")]
    public void Keys_that_are_none_are_refused(string text) => Assert.Equal($"Invalid detach keys ({text}) provided", Assert.Throws<EngineException>(() => DetachKeys.Parse(text)).Message);

    [Theory]
    [InlineData("json-file")]
    [InlineData("local")]
    public async Task What_is_logged_is_read_back_byte_for_byte(string format)
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        string text = "plain\nwith \"quotes\" and \\ and \t tab\r\nünïcödé — “x”\n\u0001control\n" + new string('x', 100_000) + "\nno newline";
        using (var log = LogWriter.Open(new LogRequest { Format = format, Path = path, MaxFiles = 1 }))
        {
            log.Write(OutputKind.Stdout, Encoding.UTF8.GetBytes(text), DateTimeOffset.UtcNow);
            log.Complete(DateTimeOffset.UtcNow);
        }
        Assert.Equal(text, await ReadAsync(path, format, All));
    }

    [Fact]
    public async Task Bytes_that_are_no_text_become_replacement_characters()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using (var log = LogWriter.Open(new LogRequest { Path = path, MaxFiles = 1 })) log.Write(OutputKind.Stdout, [(byte)'a', 0xff, (byte)'"', (byte)'b', (byte)'\n'], DateTimeOffset.UtcNow);
        Assert.Equal("a\ufffd\"b\n", await ReadAsync(path, "json-file", All));
    }

    private static readonly LogQuery All = new(true, true, null, null, false, false, null, false);

    private static async Task<string> ReadAsync(string path, string format, LogQuery query)
    {
        var output = new MemoryStream();
        var reader = new LogReader(path, LogDecoder.Of(format), query, new LogFormatter(query, framed: false), async (data, token) => await output.WriteAsync(data, token));
        await reader.ReadAsync(null!, Task.CompletedTask, CancellationToken.None);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Theory]
    [InlineData("json-file", 1)]
    [InlineData("json-file", 7)]
    [InlineData("json-file", 100)]
    [InlineData("local", 1)]
    [InlineData("local", 7)]
    public async Task The_tail_of_a_log_goes_back_into_files_that_were_set_aside(string format, int count)
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using (var log = LogWriter.Open(new LogRequest { Format = format, Path = path, MaxSize = 500, MaxFiles = 20 }))
        {
            for (int i = 1; i <= 60; i++) log.Write(OutputKind.Stdout, Encoding.ASCII.GetBytes($"line {i}\n"), DateTimeOffset.UtcNow);
        }
        var lines = (await ReadAsync(path, format, All with { Tail = count })).TrimEnd('\n').Split('\n');
        Assert.Equal(Enumerable.Range(61 - Math.Min(count, 60), Math.Min(count, 60)).Select(i => $"line {i}"), lines);
    }

    [Fact]
    public async Task Compressed_files_are_read_too_and_old_ones_are_dropped()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using (var log = LogWriter.Open(new LogRequest { Path = path, MaxSize = 500, MaxFiles = 3, Compress = true }))
        {
            for (int i = 1; i <= 60; i++) log.Write(OutputKind.Stdout, Encoding.ASCII.GetBytes($"line {i}\n"), DateTimeOffset.UtcNow);
        }
        Assert.True(File.Exists(path + ".2.gz") && !File.Exists(path + ".3.gz"));
        string text = await ReadAsync(path, "json-file", All);
        Assert.EndsWith("line 59\nline 60\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("line 1\n", text);
    }

    [Theory]
    [InlineData("json-file", false)]
    [InlineData("json-file", true)]
    [InlineData("local", false)]
    public void A_log_that_was_taken_away_goes_on_in_a_new_file(string format, bool compress)
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using var log = LogWriter.Open(new LogRequest { Format = format, Path = path, MaxSize = 500, MaxFiles = 3, Compress = compress });
        for (int i = 1; i <= 60; i++)
        {
            log.Write(OutputKind.Stdout, Encoding.ASCII.GetBytes($"line {i}\n"), DateTimeOffset.UtcNow);
            if (i == 20) File.Delete(path);
        }
        Assert.InRange(new FileInfo(path).Length, 1, 500);
    }

    [Fact]
    public async Task A_log_whose_files_cannot_be_set_aside_grows()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        Directory.CreateDirectory(path + ".1");   // nothing can be renamed to it
        using (var log = LogWriter.Open(new LogRequest { Path = path, MaxSize = 500, MaxFiles = 2 }))
        {
            for (int i = 1; i <= 60; i++) log.Write(OutputKind.Stdout, Encoding.ASCII.GetBytes($"line {i}\n"), DateTimeOffset.UtcNow);
        }
        Directory.Delete(path + ".1");
        Assert.Equal(string.Concat(Enumerable.Range(1, 60).Select(i => $"line {i}\n")), await ReadAsync(path, "json-file", All));
    }

    [Fact]
    public async Task A_follower_goes_on_from_file_to_file()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using var loop = new EventLoop("test loop");
        loop.Start();
        using var changes = new FileChanges(loop);
        using var log = LogWriter.Open(new LogRequest { Path = path, MaxSize = 2000, MaxFiles = 1000 });
        log.Write(OutputKind.Stdout, "begin\n"u8, DateTimeOffset.UtcNow);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var output = new MemoryStream();
        var query = All with { Follow = true };
        var reader = new LogReader(path, LogDecoder.Of("json-file"), query, new LogFormatter(query, framed: false), async (data, token) =>
        {
            await output.WriteAsync(data, token);
            begun.TrySetResult();
        });
        var reading = reader.ReadAsync(changes, ended.Task, CancellationToken.None);
        await begun.Task;
        for (int i = 1; i <= 3000; i++) log.Write(OutputKind.Stdout, Encoding.ASCII.GetBytes($"line {i}\n"), DateTimeOffset.UtcNow);
        ended.SetResult();
        await reading;
        Assert.Equal("begin\n" + string.Concat(Enumerable.Range(1, 3000).Select(i => $"line {i}\n")), Encoding.ASCII.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Frames_carry_the_stream_and_the_length_of_each_record()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "log");
        using (var log = LogWriter.Open(new LogRequest { Path = path, MaxFiles = 1 }))
        {
            log.Write(OutputKind.Stdout, "out\n"u8, DateTimeOffset.UtcNow);
            log.Write(OutputKind.Stderr, "err!\n"u8, DateTimeOffset.UtcNow);
        }
        var output = new MemoryStream();
        var reader = new LogReader(path, LogDecoder.Of("json-file"), All, new LogFormatter(All, framed: true), async (data, token) => await output.WriteAsync(data, token));
        await reader.ReadAsync(null!, Task.CompletedTask, CancellationToken.None);
        byte[] bytes = output.ToArray();
        Assert.True(StreamFrame.TryReadHeader(bytes, out var first, out int firstLength));
        Assert.True(StreamFrame.TryReadHeader(bytes.AsSpan(StreamFrame.HeaderSize + firstLength), out var second, out int secondLength));
        Assert.Equal((StreamKind.Stdout, 4, StreamKind.Stderr, 5), (first, firstLength, second, secondLength));
    }
}
