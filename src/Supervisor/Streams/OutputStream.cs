using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Supervisor.Logs;

namespace Gantry.Supervisor.Streams;

/// <summary>The reading end of a process's stdout, stderr or terminal. Lives on the loop's thread.</summary>
internal sealed unsafe class OutputStream
{
    private const int BufferSize = 256 << 10, ReadsPerTurn = 8;
    [ThreadStatic] private static byte[]? shared;

    private readonly EventLoop loop;
    private readonly Fd source;
    private readonly OutputKind kind;
    private readonly IOutputSink sink;
    private OutputStage? stage;
    private EventLoop.Watch? watch;
    private int unconsumed;

    /// <param name="stage">Where output stays until it is dealt with; null where none of it needs to survive this program.</param>
    public OutputStream(EventLoop loop, Fd source, OutputKind kind, OutputStage? stage, IOutputSink sink)
    {
        this.loop = loop;
        this.source = source;
        this.kind = kind;
        this.stage = stage;
        this.sink = sink;
    }

    public Fd Source => source;

    public OutputStage? Stage => stage;

    public OutputKind Kind => kind;

    public bool HasEnded { get; private set; }

    public void Start()
    {
        if (!HasEnded && watch is null) watch = loop.Add(source, Readiness.Readable, _ => Read());
    }

    /// <summary>Deals with what another supervisor had begun to deal with: it is in the stage.</summary>
    public void Recover()
    {
        if (stage is { Available: > 0 }) Offer();
    }

    /// <summary>Goes on after a client had held this stream back.</summary>
    public void Resume()
    {
        if (!HasEnded && !sink.IsBlocked) Start();
    }

    /// <summary>Reads what is there now. False when there may be more later.</summary>
    public bool Drain()
    {
        while (!HasEnded && !sink.IsBlocked)
        {
            if (!ReadOnce()) return HasEnded;
        }
        return HasEnded;
    }

    private void Read()
    {
        for (int i = 0; i < ReadsPerTurn; i++)
        {
            if (sink.IsBlocked)
            {
                Pause();   // not just no interest: epoll reports a hang-up regardless
                return;
            }
            if (!ReadOnce()) return;
        }
    }

    /// <summary>False when nothing could be read.</summary>
    private bool ReadOnce()
    {
        if (unconsumed > 0)
        {
            Consume();
            return true;
        }
        nint count = stage is not null ? stage.Fill(source) : ReadDirectly();
        if (count == -(int)Errno.EINVAL && stage is not null)
        {
            stage.Dispose();   // not a file that splice can read: without the stage, then
            stage = null;
            return true;
        }
        if (count > 0)
        {
            if (stage is not null) Offer();
            return true;
        }
        if (count == -(int)Errno.EAGAIN || count == -(int)Errno.EINTR) return false;
        End();   // 0, or EIO: the last writer of a terminal has gone
        return false;
    }

    private static byte[] Buffer => shared ??= GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);

    private nint ReadDirectly()
    {
        byte[] buffer = Buffer;
        nint count;
        fixed (byte* p = buffer) count = Syscall.Call(SyscallNumber.Read, source.Number, (nint)p, buffer.Length);
        if (count <= 0) return count;
        sink.Take(kind, buffer.AsSpan(0, (int)count));
        sink.Finish(kind);
        return count;
    }

    /// <summary>Shows what is in the stage, and takes it out as soon as every client has it.</summary>
    private void Offer()
    {
        unconsumed = stage!.Peek(Buffer);
        sink.Take(kind, Buffer.AsSpan(0, unconsumed));
        if (!sink.IsBlocked) Consume();
    }

    private void Consume()
    {
        stage!.Consume(unconsumed);
        unconsumed = 0;
        sink.Finish(kind);
    }

    /// <summary>Gives the stream up, whoever still holds its other end.</summary>
    public void End()
    {
        if (HasEnded) return;
        if (unconsumed > 0) Consume();
        HasEnded = true;
        Pause();
        sink.End(kind);
    }

    private void Pause()
    {
        watch?.Remove();
        watch = null;
    }

    /// <summary>Closes our ends; the stream has ended or is given up.</summary>
    public void Close()
    {
        Pause();
        source.Dispose();
        stage?.Dispose();
    }
}

/// <summary>Where a process's output goes.</summary>
internal interface IOutputSink
{
    /// <summary>A client is too slow to take more now.</summary>
    bool IsBlocked { get; }

    /// <summary>Takes what came; the memory is reused after it returns.</summary>
    void Take(OutputKind kind, ReadOnlySpan<byte> data);

    /// <summary>What was taken last has been taken out of its stage.</summary>
    void Finish(OutputKind kind);

    /// <summary>The stream has ended.</summary>
    void End(OutputKind kind);
}
