using System.Text;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Linux.Sockets;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Logs;
using Gantry.Supervisor.Protocol;
using Gantry.Supervisor.Streams;

namespace Gantry.Unit.Supervisor;

/// <summary>A supervisor that dies between any two steps leaves a journal from which the next one goes on.</summary>
public sealed class StreamJournalTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly Pipe output = Pipe.Create(OpenFlags.NonBlocking);
    private readonly OutputStage stage = OutputStage.Create();
    private readonly StreamJournal journal = StreamJournal.Create();

    private LogRequest Log => new() { Path = Path.Combine(directory.Path, "log"), MaxFiles = 1 };

    private string Said
    {
        get
        {
            var text = new StringBuilder();
            foreach (string line in File.ReadAllLines(Log.Path)) text.Append(System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("log").GetString());
            return text.ToString();
        }
    }

    public void Dispose()
    {
        output.Dispose();
        stage.Dispose();
        journal.Dispose();
        directory.Dispose();
    }

    private unsafe void Write(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        fixed (byte* p = bytes) Assert.Equal(bytes.Length, Syscall.Call(SyscallNumber.Write, output.Write.Number, (nint)p, bytes.Length));
    }

    /// <summary>What a supervisor does, up to a step.</summary>
    private void Deal(int steps, string unfinished, int logged = int.MaxValue)
    {
        using var log = LogWriter.Open(Log);
        log.GoOn(OutputKind.Stdout, Encoding.ASCII.GetBytes(unfinished));
        if (steps < 1) return;
        int count = (int)stage.Fill(output.Read);
        if (steps < 2) return;
        byte[] piece = new byte[64 << 10];
        Assert.Equal(count, stage.Peek(piece));
        var time = DateTimeOffset.UtcNow;
        journal.Begin(OutputKind.Stdout, count, time, log.Position);
        if (steps < 3) return;
        log.Write(OutputKind.Stdout, piece.AsSpan(0, count), time);
        if (logged < int.MaxValue)
        {
            using var file = File.OpenWrite(Log.Path);   // the kill came in the middle of the write
            file.SetLength(journal.LogBefore(OutputKind.Stdout).Size + logged);
        }
        if (steps < 4) return;
        journal.SetLogged(OutputKind.Stdout, log.Unfinished(OutputKind.Stdout));
        if (steps < 5) return;
        stage.Consume(count);
        if (steps < 6) return;
        journal.SetConsumed(OutputKind.Stdout);
    }

    /// <summary>The next supervisor, with the process's end.</summary>
    /// <param name="received">What a client has had already.</param>
    /// <returns>What it gets now.</returns>
    private string GoOn(int received = 0)
    {
        using var loop = new EventLoop("test loop");
        var streams = ProcessStreams.Inherit(new ContainerState(), terminal: false, new Dictionary<string, Fd>
        {
            [StdioNames.Stdout] = output.Read.Duplicate(), [StdioNames.Stdout + StdioNames.Stage] = stage.Read.Duplicate(), [StdioNames.Journal] = journal.File.Duplicate(),
        });
        var finished = new ManualResetEventSlim();
        using var self = Gantry.Linux.Processes.PidFd.Open(Environment.ProcessId);
        var (client, theirs) = MessageSocket.CreatePair();
        using var seen = client;
        var attached = new AttachedClient { Stdout = true, Framed = false, Received = new AttachedReply { Stdout = received } };
        var process = new SupervisedProcess(loop, "c", null, new Gantry.Linux.Processes.PidFd(self.Duplicate().Release(), self.Pid), streams, new StdioRequest(), LogWriter.Open(Log), p =>
        {
            p.Release();
            finished.Set();
        }) { IsAdopted = true };
        loop.Start();
        loop.Post(() =>
        {
            process.Start([(attached, theirs)]);
            output.Write.Dispose();
            process.SetExit(new Gantry.Linux.Processes.ExitStatus(0, 0));
        });
        Assert.True(finished.Wait(TimeSpan.FromSeconds(20)), "the output did not end");
        return ReadToEnd(seen);
    }

    private static unsafe string ReadToEnd(Fd socket)
    {
        using var text = new MemoryStream();
        byte[] buffer = new byte[4096];
        nint count;
        do
        {
            fixed (byte* p = buffer) count = Syscall.Check(Syscall.Call(SyscallNumber.Read, socket.Number, (nint)p, buffer.Length), "read what a client gets");
            text.Write(buffer, 0, (int)count);
        }
        while (count > 0);
        return Encoding.ASCII.GetString(text.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Whatever_step_it_dies_at_every_line_is_in_the_log_once(int steps)
    {
        Write("one\ntwo\nthr");
        Deal(steps, "");
        Write("ee\nfour");
        GoOn();
        Assert.Equal("one\ntwo\nthree\nfour", Said);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    [InlineData(4, 0)]    // a client gets a piece once the log has it
    [InlineData(4, 5)]
    [InlineData(4, 11)]
    [InlineData(5, 11)]
    [InlineData(6, 11)]
    public void Whatever_step_it_dies_at_a_client_misses_nothing_and_sees_nothing_twice(int steps, int received)
    {
        Write("one\ntwo\nthr");
        Deal(steps, "");
        Write("ee\nfour");
        Assert.Equal("one\ntwo\nthree\nfour"[received..], GoOn(received));
    }

    [Fact]
    public void A_piece_that_was_taken_out_in_part_is_with_every_client()
    {
        Write("one\ntwo\nthr");
        Deal(4, "");
        stage.Consume(4);
        Write("ee\n");
        Assert.Equal("ee\n", GoOn("one\ntwo\nthr".Length));
        Assert.Equal("one\ntwo\nthree\n", Said);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(100)]
    public void A_log_that_was_cut_off_in_the_middle_of_a_write_is_completed(int written)
    {
        Write("one\ntwo\nthree\n");
        Deal(3, "", written);
        GoOn();
        Assert.Equal("one\ntwo\nthree\n", Said);
    }

    [Fact]
    public void Pieces_before_the_last_are_not_looked_at_again()
    {
        Write("one\ntw");
        Deal(6, "");
        Write("o\nthr");
        Deal(3, Encoding.ASCII.GetString(journal.Unfinished(OutputKind.Stdout)));
        Write("ee\n");
        GoOn();
        Assert.Equal("one\ntwo\nthree\n", Said);
    }
}
