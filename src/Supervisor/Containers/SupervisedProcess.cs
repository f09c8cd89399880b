using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Logs;
using Gantry.Supervisor.Protocol;
using Gantry.Supervisor.Streams;

namespace Gantry.Supervisor.Containers;

/// <summary>A running process, with its output on its way to the log and to clients. Lives on the loop's thread.</summary>
internal sealed class SupervisedProcess : IOutputSink
{
    /// <summary>How long output is waited for that others than the process hold open, once it has ended.</summary>
    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(2);

    /// <summary>How long it is waited for to be told how an adopted process ended.</summary>
    private static readonly TimeSpan ReapGrace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ReapPoll = TimeSpan.FromMilliseconds(20);

    /// <summary>Nobody knows how it ended: never 0.</summary>
    private static readonly ExitStatus Unknown = new(255, 0);

    private readonly EventLoop loop;
    private readonly InputStream? input;
    private readonly List<OutputStream> outputs = [];
    private readonly List<ClientSocket> clients = [];
    private readonly LogWriter? log;
    private StreamJournal? journal;
    private readonly bool terminal;
    private readonly Action<SupervisedProcess> finished;
    private EventLoop.Watch? exitWatch;
    private Timer? graceTimer;
    private bool finishing;

    public SupervisedProcess(EventLoop loop, string container, string? exec, PidFd process, ProcessStreams streams, StdioRequest stdio, LogWriter? log, Action<SupervisedProcess> finished, long? startedAt = null)
    {
        this.loop = loop;
        this.log = log;
        this.finished = finished;
        Container = container;
        Exec = exec;
        Process = process;
        StartedAt = startedAt ?? Now();
        terminal = streams.IsTerminal;
        journal = streams.Journal;
        if (streams.Stdin is { } stdin) input = new InputStream(loop, stdin, terminal, stdio.StdinOnce || exec is not null);
        if (streams.Stdout is { } stdout) outputs.Add(new OutputStream(loop, stdout, OutputKind.Stdout, streams.StdoutStage, this));
        if (streams.Stderr is { } stderr) outputs.Add(new OutputStream(loop, stderr, OutputKind.Stderr, streams.StderrStage, this));
    }

    public string Container { get; }

    /// <summary>Null for the container's first process.</summary>
    public string? Exec { get; }

    public PidFd Process { get; }

    /// <summary>Unix nanoseconds.</summary>
    public long StartedAt { get; }

    public ExitStatus? Exit { get; private set; }

    /// <summary>Unix nanoseconds.</summary>
    public long ExitedAt { get; private set; }

    /// <summary>Called when the process's input has been closed while it runs.</summary>
    public Action? StdinClosed { get; init; }

    /// <summary>Called when the process has ended and output may be held open by others.</summary>
    public Action? OrphansHoldOutput { get; init; }

    /// <summary>The terminal's master, for its size.</summary>
    public Fd? Terminal => terminal && outputs.Count > 0 ? outputs[0].Source : null;

    /// <summary>Names and descriptors of our ends, for the daemon to keep.</summary>
    public IEnumerable<(string Name, Fd Fd)> Descriptors
    {
        get
        {
            if (!terminal && input is { IsClosed: false }) yield return (StdioNames.Stdin, input.Target);
            foreach (var output in outputs)
            {
                if (output.HasEnded) continue;
                string name = terminal ? StdioNames.Terminal : output.Kind == OutputKind.Stdout ? StdioNames.Stdout : StdioNames.Stderr;
                yield return (name, output.Source);
                if (output.Stage is { } stage) yield return (name + StdioNames.Stage, stage.Read);
            }
            if (journal is not null) yield return (StdioNames.Journal, journal.File);
        }
    }

    /// <summary>Begins to watch. Clients that attached before the start come first, so that they miss nothing.</summary>
    public void Start(IEnumerable<(AttachedClient Client, Fd Socket)> early)
    {
        if (input is not null) input.Closed = () =>
        {
            if (Exit is null) StdinClosed?.Invoke();
        };
        Recover(early);
        foreach (var output in outputs) output.Resume();
        exitWatch = loop.Add(Awaited, Readiness.Readable, _ => OnExit());
    }

    /// <summary>Goes on where another supervisor was when it died; there is nothing to go on with in a process that this one has started.</summary>
    private void Recover(IEnumerable<(AttachedClient Client, Fd Socket)> early)
    {
        if (log is not null && journal is not null)
        {
            foreach (var output in outputs) log.GoOn(output.Kind, journal.Unfinished(output.Kind));
        }
        foreach (var output in outputs) Settle(output);
        foreach (var (client, socket) in early) Attach(client, socket);
        foreach (var output in outputs) output.Recover();
    }

    /// <summary>A piece that had begun to leave its stage is in the log and with every client: for those who come now it is past, and not still to come.</summary>
    private void Settle(OutputStream output)
    {
        if (journal is null || journal.PhaseOf(output.Kind) != StreamJournal.Phase.Logged) return;
        int left = output.Stage?.Available ?? 0;
        if (left > 0 && left == journal.CountOf(output.Kind)) return;
        output.Stage?.Consume(left);
        journal.SetConsumed(output.Kind);
    }

    /// <summary>Adds a client. Between two pieces of output: it misses none and sees none twice.</summary>
    /// <returns>What it will get from here on begins there.</returns>
    public AttachedReply Attach(AttachedClient client, Fd socket)
    {
        var added = new ClientSocket(loop, socket, client, client.Framed ?? !terminal)
        {
            InputReady = c => TakeInput(c),
            Unblocked = ResumeOutputs,
            Closed = c => clients.Remove(c),
        };
        var reply = new AttachedReply { Stdout = journal?.PassedOf(OutputKind.Stdout) ?? 0, Stderr = journal?.PassedOf(OutputKind.Stderr) ?? 0 };
        if (client.Received is { } received)
        {
            added.Skip(OutputKind.Stdout, received.Stdout - (journal?.ConsumedOf(OutputKind.Stdout) ?? received.Stdout));
            added.Skip(OutputKind.Stderr, received.Stderr - (journal?.ConsumedOf(OutputKind.Stderr) ?? received.Stderr));
            reply = received;
        }
        if (log is not null) (reply.LogFile, reply.LogSize) = log.Position;
        clients.Add(added);
        added.Start();
        if (client.Unfinished) SendUnfinished(added, reply);
        if (finishing) added.Complete();
        return reply;
    }

    /// <summary>What the log does not have because its newline has not come: for a client that reads the log up to here.</summary>
    private void SendUnfinished(ClientSocket client, AttachedReply reply)
    {
        if (log is null) return;
        foreach (var kind in (ReadOnlySpan<OutputKind>)[OutputKind.Stdout, OutputKind.Stderr])
        {
            var text = log.Unfinished(kind);
            if (text.IsEmpty || !client.Wants(kind)) continue;
            client.Send(kind, text);
            if (kind == OutputKind.Stdout) reply.Stdout -= text.Length;
            else reply.Stderr -= text.Length;
        }
    }

    private void TakeInput(ClientSocket client)
    {
        if (input is not null) input.TakeFrom(client);
        else client.SetReading(false);
    }

    /// <summary>Ends the process's input once what clients have sent is written.</summary>
    public void CloseStdin() => input?.CloseWhenWritten();

    /// <summary>Output on its way: first to the log, then to clients. The steps are those of <see cref="StreamJournal"/>.</summary>
    void IOutputSink.Take(OutputKind kind, ReadOnlySpan<byte> data)
    {
        var phase = journal?.PhaseOf(kind) ?? StreamJournal.Phase.Idle;
        if (phase != StreamJournal.Phase.Logged)
        {
            var time = DateTimeOffset.UtcNow;
            if (phase == StreamJournal.Phase.Logging)
            {
                time = journal!.TimeOf(kind);
                log?.Repeat(journal.LogBefore(kind));
            }
            else
            {
                journal?.Begin(kind, data.Length, time, log?.Position ?? default);
            }
            log?.Write(kind, data, time);
            journal?.SetLogged(kind, log is null ? default : log.Unfinished(kind));
        }
        for (int i = clients.Count - 1; i >= 0; i--)
        {
            if (!clients[i].Wants(kind)) continue;
            var rest = data[clients[i].TakeSkip(kind, data.Length)..];
            if (!rest.IsEmpty) clients[i].Send(kind, rest);
        }
    }

    void IOutputSink.Finish(OutputKind kind) => journal?.SetConsumed(kind);

    void IOutputSink.End(OutputKind kind) => OnOutputEnded();

    bool IOutputSink.IsBlocked => AnyClientBlocked();

    private bool AnyClientBlocked()
    {
        foreach (var client in clients)
        {
            if (client.IsBlocked) return true;
        }
        return false;
    }

    private void ResumeOutputs()
    {
        foreach (var output in outputs) output.Resume();
    }

    /// <summary>It was started by another supervisor: somebody else reaps it, and tells how it ended.</summary>
    public bool IsAdopted { get; init; }

    /// <summary>The driver's process between this one and the process, when there is one: its end is waited for.</summary>
    public PidFd? Monitor { get; init; }

    /// <summary>Tells how the process ended, once its monitor has.</summary>
    public Func<ExitStatus?>? ReadExit { get; init; }

    /// <summary>The process that this one waits for.</summary>
    public PidFd Awaited => Monitor ?? Process;

    private void OnExit()
    {
        if (Exit is not null) return;
        if (Monitor is not null)
        {
            exitWatch?.Remove();
            if (!IsAdopted) Monitor.Wait(block: false);
            SetExit(ReadExit?.Invoke() ?? Unknown);
            return;
        }
        if (!IsAdopted)
        {
            if (Process.Wait(block: false) is { } status) SetExit(status);
            return;
        }
        exitWatch?.Remove();   // it stays readable
        AskHowItEnded(DateTimeOffset.UtcNow + ReapGrace);
    }

    /// <summary>The kernel tells how a process ended once its parent has reaped it, and that parent may be the daemon, which tells it too, or init.</summary>
    private void AskHowItEnded(DateTimeOffset until)
    {
        if (Exit is not null) return;
        if (Process.ReadExit() is { } known) SetExit(known);
        else if (DateTimeOffset.UtcNow > until) SetExit(Unknown);
        else
        {
            graceTimer?.Dispose();
            graceTimer = new Timer(_ => loop.Post(() => AskHowItEnded(until)), null, ReapPoll, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Records how the process ended, and brings its output to an end.</summary>
    public void SetExit(ExitStatus status)
    {
        if (Exit is not null) return;
        graceTimer?.Dispose();
        Exit = status;
        ExitedAt = Now();
        exitWatch?.Remove();
        input?.Close();
        foreach (var output in outputs.ToArray()) output.Drain();
        if (outputs.All(o => o.HasEnded))
        {
            Finish();
            return;
        }
        // A pipe that another process still holds: one of the container's that outlived it, or a client that does not read.
        OrphansHoldOutput?.Invoke();
        graceTimer = new Timer(_ => loop.Post(GiveUpOutput), null, OutputGrace, Timeout.InfiniteTimeSpan);
    }

    private void GiveUpOutput()
    {
        if (AnyClientBlocked())
        {
            graceTimer?.Change(OutputGrace, Timeout.InfiniteTimeSpan);   // what is there still belongs to the client
            return;
        }
        foreach (var output in outputs.ToArray()) output.End();
    }

    private void OnOutputEnded()
    {
        if (Exit is not null && outputs.All(o => o.HasEnded)) Finish();
    }

    private void Finish()
    {
        if (finishing) return;
        finishing = true;
        graceTimer?.Dispose();
        try
        {
            CompleteLog();
        }
        finally
        {
            finished(this);   // its end is told, whatever becomes of its log
        }
    }

    private void CompleteLog()
    {
        if (log is null) return;
        var time = DateTimeOffset.UtcNow;
        foreach (var output in outputs) journal?.Begin(output.Kind, 0, time, log.Position);
        log.Complete(time);
        foreach (var output in outputs)
        {
            journal?.SetLogged(output.Kind, default);
            journal?.SetConsumed(output.Kind);
        }
        log.Dispose();
    }

    /// <summary>After the exit is known to all who need it: lets clients see the end, and closes what is open.</summary>
    public void Release()
    {
        foreach (var client in clients.ToArray()) client.Complete();
        foreach (var output in outputs) output.Close();
        journal?.Dispose();
        journal = null;   // who attaches now sees the end at once
        input?.Close();
        Process.Dispose();
        Monitor?.Dispose();
    }

    private static long Now() => (DateTimeOffset.UtcNow.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100;
}
