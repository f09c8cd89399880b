using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>A socket bound to a published port, so that nobody else on the host takes it.</summary>
internal static unsafe class PortSocket
{
    private const int TypeStream = 1, TypeDatagram = 2, CloseOnExec = 0x80000, NonBlocking = 0x800, ProtocolSctp = 132;

    /// <summary>Binds a port. To be called in the host's namespace.</summary>
    /// <param name="serve">The relay will take connections: a TCP socket listens. Otherwise it only holds the port.</param>
    /// <returns>0 and the socket, or an error and null. A protocol that this kernel has no sockets for gives 0 and null: no socket can take such a port.</returns>
    public static (Errno Error, Fd? Socket) Bind(string protocol, IPAddress address, int port, bool serve)
    {
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        int type = protocol == "udp" ? TypeDatagram : TypeStream;
        nint fd = Syscall.Call(SyscallNumber.Socket, v6 ? 10 : 2, type | CloseOnExec | NonBlocking, protocol == "sctp" ? ProtocolSctp : 0);
        if (fd == -(int)Errno.EPROTONOSUPPORT || fd == -(int)Errno.ESOCKTNOSUPPORT) return (0, null);
        if (fd < 0) return ((Errno)(int)-fd, null);
        var socket = new Fd((int)fd);
        bool listen = serve && protocol == "tcp";
        // A listener may be bound over closed connections that linger: no other listener can be. A socket that only holds the port must not allow it.
        if (listen) SetOption(socket, 1 /* SOL_SOCKET */, 2 /* SO_REUSEADDR */);
        if (v6) SetOption(socket, 41 /* IPPROTO_IPV6 */, 26 /* IPV6_V6ONLY */);
        nint result = Bind(socket, address, port);
        if (result == 0 && listen) result = Syscall.Call(ListenNumber, socket.Number, 4096);
        if (result == 0) return (0, socket);
        socket.Dispose();
        return ((Errno)(int)-result, null);
    }

    private static readonly int ListenNumber = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? 201 : 50;

    private static void SetOption(Fd socket, int level, int option)
    {
        int on = 1;
        Syscall.Check(Syscall.Call(SyscallNumber.Setsockopt, socket.Number, level, option, (nint)(&on), sizeof(int)), "setsockopt");
    }

    private static nint Bind(Fd socket, IPAddress address, int port)
    {
        // struct sockaddr_in { u16 family; u16 port; u32 addr; … } (16 bytes), sockaddr_in6 { u16 family; u16 port; u32 flow; u8 addr[16]; u32 scope; } (28 bytes)
        Span<byte> bytes = stackalloc byte[28];
        bytes.Clear();
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(v6 ? 10 : 2));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        address.TryWriteBytes(bytes[(v6 ? 8 : 4)..], out _);
        if (v6) BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], (uint)address.ScopeId);
        fixed (byte* p = bytes) return Syscall.Call(SyscallNumber.Bind, socket.Number, (nint)p, v6 ? 28 : 16);
    }
}
