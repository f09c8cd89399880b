using Gantry.Linux.Kernel;

namespace Gantry.Linux.Sockets;

/// <summary>A connected Unix stream socket that carries descriptors beside its bytes (unix(7), SCM_RIGHTS).</summary>
public sealed unsafe class MessageSocket(Fd socket) : IDisposable
{
    /// <summary>The kernel's limit of descriptors in one message (SCM_MAX_FD).</summary>
    public const int MaxDescriptors = 253;

    private const int NoSignal = 0x4000, CloseOnExecReceived = 0x40000000, SolSocket = 1, ScmRights = 1, ControlHeader = 16;

    public Fd Socket { get; } = socket;

    /// <summary>A connected pair, both ends closed on exec.</summary>
    public static (Fd First, Fd Second) CreatePair(int sendBuffer = 0)
    {
        const int unix = 1, stream = 1, closeOnExec = 0x80000;
        int* ends = stackalloc int[2];
        Syscall.Check(Syscall.Fast(SyscallNumber.Socketpair, unix, stream | closeOnExec, 0, (nint)ends), "socketpair");
        var pair = (new Fd(ends[0]), new Fd(ends[1]));
        if (sendBuffer > 0)
        {
            SetSendBuffer(pair.Item1, sendBuffer);
            SetSendBuffer(pair.Item2, sendBuffer);
        }
        return pair;
    }

    /// <summary>Asks for a larger send buffer; beyond the system's limit where this process may.</summary>
    public static void SetSendBuffer(Fd socket, int bytes)
    {
        const int sendBuffer = 7, sendBufferForce = 32;
        if (Syscall.Fast(SyscallNumber.Setsockopt, socket.Number, SolSocket, sendBufferForce, (nint)(&bytes), sizeof(int)) < 0)
            Syscall.Fast(SyscallNumber.Setsockopt, socket.Number, SolSocket, sendBuffer, (nint)(&bytes), sizeof(int));
    }

    /// <summary>Sends all bytes; the descriptors travel with the first of them.</summary>
    /// <exception cref="KernelException"><see cref="Errno.EPIPE"/>: the peer is gone.</exception>
    public void Send(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        if (descriptors.Length > MaxDescriptors) throw new ArgumentException($"at most {MaxDescriptors} descriptors fit in a message", nameof(descriptors));
        byte* control = stackalloc byte[ControlHeader + MaxDescriptors * sizeof(int) + 8];
        while (!bytes.IsEmpty)
        {
            fixed (byte* data = bytes)
            {
                var vector = new IoVector { Base = data, Length = (nuint)bytes.Length };
                var message = new MessageHeader { Vectors = &vector, VectorCount = 1 };
                if (!descriptors.IsEmpty)
                {
                    int length = ControlHeader + descriptors.Length * sizeof(int);
                    *(nuint*)control = (nuint)length;
                    *(int*)(control + 8) = SolSocket;
                    *(int*)(control + 12) = ScmRights;
                    descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
                    message.Control = control;
                    message.ControlLength = (nuint)((length + 7) & ~7);
                }
                nint sent = Syscall.Check(Syscall.CallRestarting(SyscallNumber.Sendmsg, Socket.Number, (nint)(&message), NoSignal), "send to the peer");
                bytes = bytes[(int)sent..];
                descriptors = [];
            }
        }
    }

    /// <summary>Receives some bytes and adds the descriptors that came with them. 0: the peer has ended.</summary>
    public int Receive(Span<byte> buffer, Queue<Fd> descriptors)
    {
        const int controlSize = ControlHeader + MaxDescriptors * sizeof(int) + 8;
        byte* control = stackalloc byte[controlSize];
        fixed (byte* data = buffer)
        {
            var vector = new IoVector { Base = data, Length = (nuint)buffer.Length };
            var message = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = controlSize };
            nint received = Syscall.CallRestarting(SyscallNumber.Recvmsg, Socket.Number, (nint)(&message), CloseOnExecReceived);
            if (received == -(int)Errno.ECONNRESET) return 0;
            Syscall.Check(received, "receive from the peer");
            if (message.ControlLength >= ControlHeader && *(int*)(control + 8) == SolSocket && *(int*)(control + 12) == ScmRights)
            {
                int count = ((int)*(nuint*)control - ControlHeader) / sizeof(int);
                for (int i = 0; i < count; i++) descriptors.Enqueue(new Fd(((int*)(control + ControlHeader))[i]));
            }
            return (int)received;
        }
    }

    public void Dispose() => Socket.Dispose();
}
