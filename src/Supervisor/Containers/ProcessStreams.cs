using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Sockets;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Protocol;
using Gantry.Supervisor.Streams;

namespace Gantry.Supervisor.Containers;

/// <summary>The two sides of a new process's standard streams.</summary>
internal sealed class ProcessStreams : IDisposable
{
    private readonly List<Fd> childSide = [];
    private readonly Fd? consoleReceiver;

    private ProcessStreams(ChildStdio child, Fd? stdin, Fd? stdout, Fd? stderr, Fd? consoleReceiver)
    {
        Child = child;
        Stdin = stdin;
        Stdout = stdout;
        Stderr = stderr;
        this.consoleReceiver = consoleReceiver;
    }

    public ChildStdio Child { get; }

    /// <summary>Our ends; two descriptors of the same terminal when there is one.</summary>
    public Fd? Stdin { get; private set; }

    public Fd? Stdout { get; private set; }

    public Fd? Stderr { get; private set; }

    public bool IsTerminal { get; private init; }

    /// <summary>Where output stays until it is dealt with. Null where nothing needs to survive this program.</summary>
    public OutputStage? StdoutStage { get; private set; }

    public OutputStage? StderrStage { get; private set; }

    public StreamJournal? Journal { get; private set; }

    /// <summary>Makes output survive this program: nothing that has left the process is lost between here and the log.</summary>
    public void Keep()
    {
        StdoutStage = OutputStage.Create();
        if (!IsTerminal) StderrStage = OutputStage.Create();
        Journal = StreamJournal.Create();
    }

    /// <summary>Inodes of the pipes, by which they are found when nobody holds them but the container.</summary>
    public (ulong Stdin, ulong Stdout, ulong Stderr) Pipes => IsTerminal ? default : (InodeOf(Stdin), InodeOf(Stdout), InodeOf(Stderr));

    private static ulong InodeOf(Fd? pipe) => pipe is null ? 0 : PathStatus.Of(pipe).Inode;

    /// <param name="owner">Numeric owner that the container's user has on the host, so that it may open <c>/dev/stdout</c> again.</param>
    public static ProcessStreams Create(bool terminal, bool openStdin, uint owner)
    {
        if (terminal)
        {
            var (ours, child) = MessageSocket.CreatePair();
            var console = new ProcessStreams(new ChildStdio(null, null, null, child), null, null, null, ours) { IsTerminal = true };
            console.childSide.Add(child);
            return console;
        }
        var stdout = Pipe.Create();
        var stderr = Pipe.Create();
        var stdin = openStdin ? Pipe.Create() : null;
        var input = stdin?.Read ?? OpenFile.ReadOnly("/dev/null");
        Fd output = WithReader(stdout.Write), error = WithReader(stderr.Write);
        var streams = new ProcessStreams(new ChildStdio(input, output, error, null) { NoInput = stdin is null }, stdin?.Write, stdout.Read, stderr.Read, null);
        streams.childSide.AddRange([input, output, error]);
        if (owner != 0)
        {
            // Not /dev/null: that node is the host's, and everybody's already.
            foreach (var fd in streams.childSide.Where(fd => fd != input || stdin is not null)) Syscall.Fast(SyscallNumber.Fchown, fd.Number, (nint)owner, -1);
        }
        foreach (var fd in new[] { streams.Stdin, streams.Stdout, streams.Stderr }) SetNonBlocking(fd);
        return streams;
    }

    /// <summary>The container's end of a pipe is its reader too: when daemon and supervisor have both died it waits for their successors, and no write fails.</summary>
    private static Fd WithReader(Fd write)
    {
        using (write) return OpenFile.Open($"/proc/self/fd/{write.Number}", OpenFlags.ReadWrite);
    }

    /// <summary>Streams whose other ends a process has held for long: they came from the daemon, or are found in the process itself.</summary>
    public static ProcessStreams Inherit(ContainerState state, bool terminal, IReadOnlyDictionary<string, Fd> descriptors)
    {
        Fd? Named(string name) => descriptors.GetValueOrDefault(name);
        var master = terminal ? Named(StdioNames.Terminal) : null;
        var stdout = master ?? Named(StdioNames.Stdout) ?? PipeSearch.Find(state.Pid, state.StdoutPipe);
        var stderr = Named(StdioNames.Stderr) ?? PipeSearch.Find(state.Pid, state.StderrPipe);
        string name = terminal ? StdioNames.Terminal : StdioNames.Stdout;
        return new ProcessStreams(new ChildStdio(null, null, null, null), master?.Duplicate() ?? Named(StdioNames.Stdin), stdout, stderr, null)
        {
            IsTerminal = terminal,
            StdoutStage = Named(name + StdioNames.Stage) is { } first ? OutputStage.Of(first) : null,
            StderrStage = Named(StdioNames.Stderr + StdioNames.Stage) is { } second ? OutputStage.Of(second) : null,
            Journal = Named(StdioNames.Journal) is { } journal ? StreamJournal.Open(journal) : null,
        };
    }

    /// <summary>After the child has started: takes the terminal that it has sent, and closes the child's ends.</summary>
    public void Adopt()
    {
        foreach (var fd in childSide) fd.Dispose();
        childSide.Clear();
        if (consoleReceiver is null) return;
        var received = new Queue<Fd>();
        using var socket = new MessageSocket(consoleReceiver);
        Span<byte> text = stackalloc byte[256];
        socket.Receive(text, received);
        var master = received.Count > 0 ? received.Dequeue() : throw new DriverException(new Failure { Message = "the container's terminal did not arrive" });
        SetNonBlocking(master);
        Stdout = master;
        Stdin = master.Duplicate();   // epoll watches a descriptor once: one for each direction
    }

    private static void SetNonBlocking(Fd? fd)
    {
        const int setFlags = 4;
        if (fd is not null) Syscall.Check(Syscall.Fast(SyscallNumber.Fcntl, fd.Number, setFlags, (int)OpenFlags.NonBlocking | (int)OpenFlags.ReadWrite), "make a stream non-blocking");
    }

    /// <summary>For a start that failed.</summary>
    public void Dispose()
    {
        foreach (var fd in childSide) fd.Dispose();
        Stdin?.Dispose();
        Stdout?.Dispose();
        Stderr?.Dispose();
        StdoutStage?.Dispose();
        StderrStage?.Dispose();
        Journal?.Dispose();
        consoleReceiver?.Dispose();
    }
}
