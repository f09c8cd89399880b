using System.Buffers.Binary;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Linux.Sockets;
using Gantry.Supervisor.Logs;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Streams;

/// <summary>A client that sees a process's output and may type its input: one end of a socket pair. Lives on the loop's thread.</summary>
/// <remarks>
/// Output goes out in frames, or raw for a terminal. A client that does not read holds the process back, as a full pipe would, once the socket's
/// buffer is full: nothing is lost and nothing grows.
/// </remarks>
internal sealed unsafe class ClientSocket
{
    /// <summary>What the kernel may hold for a client that is slower than its container.</summary>
    public const int BufferSize = 1 << 20;

    private const int FrameHead = 8, DontWait = 0x40, NoSignal = 0x4000;
    private readonly EventLoop loop;
    private readonly Fd socket;
    private readonly bool framed;
    private EventLoop.Watch? watch;
    private byte[]? pending;
    private int pendingStart, pendingEnd;
    private bool reading, completing, closed;

    public ClientSocket(EventLoop loop, Fd socket, AttachedClient client, bool framed)
    {
        this.loop = loop;
        this.socket = socket;
        this.framed = framed;
        Client = client;
    }

    public AttachedClient Client { get; }

    public bool IsClosed => closed;

    private readonly long[] skipped = new long[2];

    /// <summary>Leaves out bytes that the client has had from an earlier supervisor.</summary>
    public void Skip(OutputKind kind, long bytes) => skipped[(int)kind - 1] = Math.Max(0, bytes);

    /// <summary>How many of the bytes that come now are to be left out.</summary>
    public int TakeSkip(OutputKind kind, int length)
    {
        int count = (int)Math.Min(skipped[(int)kind - 1], length);
        skipped[(int)kind - 1] -= count;
        return count;
    }

    /// <summary>Output waits for this client to read.</summary>
    public bool IsBlocked => pendingEnd > pendingStart;

    /// <summary>Called when the client has read what it was blocked on, or has gone.</summary>
    public Action? Unblocked { get; set; }

    /// <summary>Called when input can be read.</summary>
    public Action<ClientSocket>? InputReady { get; set; }

    /// <summary>Called once when the client has gone.</summary>
    public Action<ClientSocket>? Closed { get; set; }

    public void Start()
    {
        reading = Client.Stdin;
        watch = loop.Add(socket, Interest, OnReady);
    }

    private Readiness Interest => (reading ? Readiness.Readable : Readiness.None) | (IsBlocked ? Readiness.Writable : Readiness.None);

    /// <summary>Whether input is listened to: off while the process's stdin is full.</summary>
    public void SetReading(bool on)
    {
        reading = on;
        if (!closed) watch?.Change(Interest);
    }

    public bool Wants(OutputKind kind) => !closed && (kind == OutputKind.Stdout ? Client.Stdout : Client.Stderr);

    /// <summary>Sends output now, or keeps what the socket does not take. Only called when not blocked.</summary>
    public void Send(OutputKind kind, ReadOnlySpan<byte> data)
    {
        Span<byte> head = stackalloc byte[FrameHead];
        head.Clear();
        if (framed)
        {
            head[0] = (byte)kind;
            BinaryPrimitives.WriteInt32BigEndian(head[4..], data.Length);
        }
        int headLength = framed ? FrameHead : 0;
        int sent;
        fixed (byte* headAt = head)
        fixed (byte* dataAt = data)
        {
            var vectors = stackalloc IoVector[2];
            vectors[0] = new IoVector { Base = headAt, Length = (nuint)headLength };
            vectors[1] = new IoVector { Base = dataAt, Length = (nuint)data.Length };
            var message = new MessageHeader { Vectors = vectors, VectorCount = 2 };
            nint result = Syscall.Fast(SyscallNumber.Sendmsg, socket.Number, (nint)(&message), DontWait | NoSignal);
            if (result < 0 && result != -(int)Errno.EAGAIN)
            {
                Close();
                return;
            }
            sent = (int)Math.Max(0, result);
        }
        int total = headLength + data.Length;
        if (sent == total) return;
        pending = new byte[total - sent];
        int fromHead = Math.Max(0, headLength - sent);
        head.Slice(headLength - fromHead, fromHead).CopyTo(pending);
        data[Math.Max(0, sent - headLength)..].CopyTo(pending.AsSpan(fromHead));
        (pendingStart, pendingEnd) = (0, pending.Length);
        watch?.Change(Interest);
    }

    /// <summary>No more output will come: the client sees the end once it has read everything.</summary>
    public void Complete()
    {
        completing = true;
        if (!IsBlocked) Close();
    }

    /// <summary>Looks at input and leaves it there. 0: the client has ended its input; −1: nothing there now.</summary>
    public int Peek(Span<byte> buffer)
    {
        const int peek = 2;
        return Receive(buffer, peek);
    }

    /// <summary>Takes input that has been dealt with. 0: there is none, and none will come; −1: nothing there now.</summary>
    public int Take(int count)
    {
        Span<byte> scratch = stackalloc byte[4096];
        int taken = 0;
        while (taken < count)
        {
            int received = Receive(scratch[..Math.Min(scratch.Length, count - taken)], 0);
            if (received <= 0) return taken == 0 ? received : taken;
            taken += received;
        }
        return taken;
    }

    private int Receive(Span<byte> buffer, int flags)
    {
        fixed (byte* p = buffer)
        {
            nint count = Syscall.Fast(SyscallNumber.Recvfrom, socket.Number, (nint)p, buffer.Length, DontWait | flags);
            if (count == -(int)Errno.EAGAIN || count == -(int)Errno.EINTR) return -1;
            return count < 0 ? 0 : (int)count;
        }
    }

    private void OnReady(Readiness ready)
    {
        if (ready.HasFlag(Readiness.Writable)) SendPending();
        if (closed) return;
        if (reading && (ready & (Readiness.Readable | Readiness.HangUp)) != 0) InputReady?.Invoke(this);
        if (!closed && (ready & (Readiness.HangUp | Readiness.Error)) != 0) Close();
    }

    private void SendPending()
    {
        fixed (byte* p = pending)
        {
            nint result = Syscall.Fast(SyscallNumber.Sendto, socket.Number, (nint)(p + pendingStart), pendingEnd - pendingStart, DontWait | NoSignal);
            if (result == -(int)Errno.EAGAIN) return;
            if (result < 0)
            {
                Close();
                return;
            }
            pendingStart += (int)result;
        }
        if (IsBlocked) return;
        pending = null;
        if (completing)
        {
            Close();
            return;
        }
        watch?.Change(Interest);
        Unblocked?.Invoke();
    }

    public void Close()
    {
        if (closed) return;
        closed = true;
        pending = null;
        pendingStart = pendingEnd = 0;
        watch?.Remove();
        Syscall.Fast(SyscallNumber.Shutdown, socket.Number, 2);   // the daemon holds this end too, and is to see that it has ended
        socket.Dispose();
        Closed?.Invoke(this);
        Unblocked?.Invoke();
    }
}
