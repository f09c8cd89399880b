using System.Buffers.Binary;
using System.Net;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>Forgets connections that the kernel tracks (kernel: <c>include/uapi/linux/netfilter/nfnetlink_conntrack.h</c>), in the namespace of the thread that makes it.</summary>
/// <remarks>
/// A translation is decided by a flow's first packet and then kept. TCP ends its flows; a UDP sender that never falls silent goes on being led to an
/// address that has long been somebody else's, unless the kernel is told to look again.
/// </remarks>
public sealed class ConnectionTracking : IDisposable
{
    private const int Netfilter = 12;
    private const ushort Get = 1 << 8 | 1, Delete = 1 << 8 | 2, NewEntry = 1 << 8 | 0;
    private const ushort Request = 1, Acknowledge = 4, Dump = 0x300, ErrorMessage = 2, DoneMessage = 3;
    private const ushort OriginalTuple = 1, ReplyTuple = 2, Nested = 0x8000;
    private const byte Udp = 17, IPv4 = 2;

    private readonly NetlinkSocket socket = new(Netfilter);
    private readonly byte[] answers = new byte[65536];
    private readonly Lock gate = new();
    private uint sequence;

    /// <summary>Forgets UDP flows over IPv4 that are answered from an address, and those to one of some local ports that are answered from elsewhere.</summary>
    /// <param name="answeredFrom">Whose flows end; null for nobody's.</param>
    /// <param name="ports">Ports that from now on lead elsewhere.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="KernelException">The kernel does not tell of its connections.</exception>
    public int ForgetUdp(IPAddress? answeredFrom, IReadOnlySet<int> ports)
    {
        lock (gate)
        {
            var found = new List<byte[]>();
            List(body =>
            {
                if (Read(body) is { } flow && (flow.AnsweredFrom.Equals(answeredFrom) || ports.Contains(flow.Port))) found.Add(flow.Tuple);
            });
            foreach (byte[] tuple in found) Remove(tuple);
            return found.Count;
        }
    }

    private delegate void BodyReader(ReadOnlySpan<byte> body);

    private void List(BodyReader read)
    {
        const string step = "list tracked connections";
        var writer = new NetlinkWriter();
        uint own = ++sequence;
        writer.Begin(Get, Request | Dump, own);
        writer.Take(4)[0] = IPv4;   // struct nfgenmsg { u8 family, version; be16 resource; }
        socket.Send(writer.Written, step);
        for (bool done = false; !done;)
        {
            ReadOnlySpan<byte> datagram = answers.AsSpan(0, socket.Receive(answers, step));
            while (!done && NetlinkMessage.TryTake(ref datagram, out var message))
            {
                if (message.Sequence != own) continue;
                if (message.Type == ErrorMessage) ThrowIfError(message, step);
                if (message.Type == NewEntry) read(message.Body);
                done = message.Type is DoneMessage or ErrorMessage;
            }
        }
    }

    private void Remove(byte[] tuple)
    {
        const string step = "forget a tracked connection";
        var writer = new NetlinkWriter();
        uint own = ++sequence;
        writer.Begin(Delete, Request | Acknowledge, own);
        writer.Take(4)[0] = IPv4;
        writer.Attribute(OriginalTuple | Nested, tuple);
        socket.Send(writer.Written, step);
        while (true)
        {
            ReadOnlySpan<byte> datagram = answers.AsSpan(0, socket.Receive(answers, step));
            while (NetlinkMessage.TryTake(ref datagram, out var message))
                if (message.Sequence == own && message.Type == ErrorMessage) return;   // gone by itself meanwhile: as good
        }
    }

    private static void ThrowIfError(NetlinkMessage message, string step)
    {
        int error = System.Runtime.InteropServices.MemoryMarshal.Read<int>(message.Body);
        if (error != 0) throw new KernelException(step, (Errno)(-error));
    }

    /// <summary>A UDP flow's tuple of the first direction as the kernel writes it, its destination port, and who answers it. Null for another protocol.</summary>
    private static (byte[] Tuple, int Port, IPAddress AnsweredFrom)? Read(ReadOnlySpan<byte> body)
    {
        byte[]? tuple = null;
        int port = 0;
        IPAddress? from = null;
        var attributes = body[4..];
        while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
        {
            if (attribute.Type is not (OriginalTuple or ReplyTuple)) continue;
            var (source, protocol, destinationPort) = ReadTuple(attribute.Value);
            if (protocol != Udp) return null;
            if (attribute.Type == OriginalTuple) (tuple, port) = (attribute.Value.ToArray(), destinationPort);
            else from = source;
        }
        return tuple is null || from is null ? null : (tuple, port, from);
    }

    private static (IPAddress? Source, byte Protocol, int DestinationPort) ReadTuple(ReadOnlySpan<byte> tuple)
    {
        IPAddress? source = null;
        byte protocol = 0;
        int port = 0;
        while (NetlinkAttribute.TryTake(ref tuple, out var part))
        {
            var inner = part.Value;
            while (NetlinkAttribute.TryTake(ref inner, out var field))
            {
                switch (part.Type, field.Type)
                {
                    case (1, 1): source = new IPAddress(field.Value); break;                                  // CTA_TUPLE_IP, CTA_IP_V4_SRC
                    case (2, 1): protocol = field.Value[0]; break;                                            // CTA_TUPLE_PROTO, CTA_PROTO_NUM
                    case (2, 3): port = BinaryPrimitives.ReadUInt16BigEndian(field.Value); break;             // CTA_PROTO_DST_PORT
                }
            }
        }
        return (source, protocol, port);
    }

    public void Dispose() => socket.Dispose();
}
