using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>A socket of the netlink family (netlink(7)). It belongs to the network namespace of the thread that makes it, for as long as it lives.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int FamilyNetlink = 16, TypeRaw = 3, CloseOnExec = 0x80000, LevelNetlink = 270;
    private const int OptionCapAck = 10, OptionExtendedAck = 11, OptionStrictCheck = 12;

    private readonly Fd socket;

    /// <param name="protocol"><c>NETLINK_…</c>: 0 is the routing family, 12 netfilter.</param>
    public NetlinkSocket(int protocol)
    {
        socket = new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.Socket, FamilyNetlink, TypeRaw | CloseOnExec, protocol), "open a netlink socket"));
        // Newer niceties: answers without a copy of the request, error texts, exact filtering of dumps. A kernel without them still works.
        Set(OptionCapAck, 1);
        Set(OptionExtendedAck, 1);
        Set(OptionStrictCheck, 1);
    }

    public Fd Descriptor => socket;

    private int Set(int option, int value) => (int)Syscall.Call(SyscallNumber.Setsockopt, socket.Number, LevelNetlink, option, (nint)(&value), sizeof(int));

    /// <summary>Receives the messages of a multicast group from now on.</summary>
    public void Subscribe(int group, string step)
    {
        const int AddMembership = 1;
        // struct sockaddr_nl { u16 family, pad; u32 pid, groups; }: with an address of its own, for the kernel takes a socket without one for the sender.
        long* address = stackalloc long[2];
        address[0] = FamilyNetlink;
        address[1] = 0;
        Syscall.Check(Syscall.Call(SyscallNumber.Bind, socket.Number, (nint)address, 12), step);
        Syscall.Check(Set(AddMembership, group), step);
    }

    public void Send(ReadOnlySpan<byte> messages, string step)
    {
        fixed (byte* p = messages)
        {
            nint sent = Syscall.CallRestarting(SyscallNumber.Sendto, socket.Number, (nint)p, messages.Length);
            Syscall.Check(sent == messages.Length || sent < 0 ? sent : -(int)Errno.EIO, step);
        }
    }

    /// <summary>Waits for the next datagram: one message or several.</summary>
    public int Receive(Span<byte> buffer, string step)
    {
        const int Truncated = 0x20;
        fixed (byte* p = buffer)
        {
            nint length = Syscall.CallRestarting(SyscallNumber.Recvfrom, socket.Number, (nint)p, buffer.Length, Truncated);
            Syscall.Check(length, step);
            return length <= buffer.Length ? (int)length : throw new KernelException($"{step}: an answer of {length} bytes", Errno.EMSGSIZE);
        }
    }

    public void Dispose() => socket.Dispose();
}
