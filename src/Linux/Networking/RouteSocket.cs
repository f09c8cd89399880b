using System.Net;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>Talks to the kernel's routing layer (rtnetlink(7)) of the namespace in which it was made, from whatever thread.</summary>
/// <remarks>While it is open it keeps that namespace alive.</remarks>
public sealed class RouteSocket : IDisposable
{
    private const ushort ErrorMessage = 2, DoneMessage = 3;
    private const ushort NewLink = 16, GetLink = 18, NewAddress = 20, GetAddress = 22, NewRoute = 24, GetRoute = 26;
    private const ushort Request = 1, Dump = 0x300;
    private const ushort FlagDumpInterrupted = 0x10, FlagCapped = 0x100, FlagAckAttributes = 0x200;

    private readonly NetlinkSocket socket = new(0);
    private readonly byte[] answers = new byte[32768];
    private readonly Lock gate = new();
    private uint sequence = 1;

    /// <summary>Makes the changes of a batch. Returns when all have been tried.</summary>
    /// <exception cref="KernelException">The first one that the kernel refused, with its own explanation where it gives one.</exception>
    public void Execute(RouteBatch batch)
    {
        if (batch.Steps.Count == 0) return;
        lock (gate)
        {
            socket.Send(batch.Written, batch.Steps[0]);
            KernelException? first = null;
            for (int open = batch.Steps.Count; open > 0;)
            {
                ReadOnlySpan<byte> datagram = answers.AsSpan(0, socket.Receive(answers, batch.Steps[^1]));
                while (NetlinkMessage.TryTake(ref datagram, out var message))
                {
                    int index = (int)(message.Sequence - batch.FirstSequence);
                    if (message.Type != ErrorMessage || index < 0 || index >= batch.Steps.Count) continue;
                    open--;
                    first ??= ReadError(message, batch.Steps[index]);
                }
            }
            if (first is not null) throw first;
        }
    }

    /// <summary>Every device of the namespace.</summary>
    public IReadOnlyList<Link> Links() => List("list links", GetLink, NewLink, static writer => writer.Take(16), ReadLink);

    /// <summary>The device of a name, or null.</summary>
    public Link? FindLink(string name) => Find(name, ReadLink);

    /// <summary>What the device of a name has carried; null when there is none.</summary>
    public LinkCounters? FindCounters(string name) => Find(name, ReadCounters);

    private T? Find<T>(string name, BodyReader<T> read) where T : class
    {
        try
        {
            return Query("find link " + name, GetLink, 0, NewLink, writer =>
            {
                writer.Take(16);
                writer.Attribute(3 /* IFLA_IFNAME */, name);
            }, read, out _).FirstOrDefault();
        }
        catch (KernelException e) when (e.Errno == Errno.ENODEV)
        {
            return null;
        }
    }

    /// <summary>Addresses of one device, or of all (index 0).</summary>
    public IReadOnlyList<LinkAddress> Addresses(int index = 0) =>
        [.. List("list addresses", GetAddress, NewAddress, writer => MemoryMarshal.Write(writer.Take(8)[4..], index), ReadAddress).Where(a => index == 0 || a.Index == index)];

    /// <summary>Unicast routes of a table.</summary>
    /// <param name="table">Null is every table.</param>
    public IReadOnlyList<Route> Routes(int? table = Route.MainTable) =>
        [.. List("list routes", GetRoute, NewRoute, static writer => writer.Take(12), ReadRoute).Where(r => table is null || r.Table == table)];

    private delegate T? BodyReader<T>(ReadOnlySpan<byte> body);

    /// <summary>A whole list. One that changed while the kernel was writing it is asked for again.</summary>
    private List<T> List<T>(string step, ushort type, ushort answerType, Action<NetlinkWriter> write, BodyReader<T> read) where T : class
    {
        List<T> list;
        bool interrupted;
        int attempts = 0;
        do list = Query(step, type, Dump, answerType, write, read, out interrupted);
        while (interrupted && ++attempts < 5);
        return list;
    }

    private List<T> Query<T>(string step, ushort type, ushort flags, ushort answerType, Action<NetlinkWriter> write, BodyReader<T> read, out bool interrupted) where T : class
    {
        var found = new List<T>();
        interrupted = false;
        lock (gate)
        {
            var writer = new NetlinkWriter();
            uint own = unchecked(++sequence | 0x80000000);
            writer.Begin(type, (ushort)(flags | Request), own);
            write(writer);
            socket.Send(writer.Written, step);
            for (bool done = false; !done;)
            {
                ReadOnlySpan<byte> datagram = answers.AsSpan(0, socket.Receive(answers, step));
                while (!done && NetlinkMessage.TryTake(ref datagram, out var message))
                {
                    if (message.Sequence != own) continue;
                    if (message.Type == ErrorMessage && ReadError(message, step) is { } error) throw error;
                    if (message.Type == answerType && read(message.Body) is { } item) found.Add(item);
                    interrupted |= (message.Flags & FlagDumpInterrupted) != 0;
                    done = message.Type is DoneMessage or ErrorMessage || (flags & Dump) == 0;
                }
            }
        }
        return found;
    }

    private static KernelException? ReadError(NetlinkMessage message, string step)
    {
        // struct nlmsgerr { int error; struct nlmsghdr msg; } and, with extended acknowledgements, attributes behind it
        int error = MemoryMarshal.Read<int>(message.Body);
        if (error == 0) return null;
        string? text = null;
        if ((message.Flags & FlagAckAttributes) != 0)
        {
            int request = (message.Flags & FlagCapped) != 0 ? NetlinkWriter.HeaderSize : (MemoryMarshal.Read<int>(message.Body[4..]) + 3) & ~3;
            var attributes = 4 + request < message.Body.Length ? message.Body[(4 + request)..] : default;
            while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
                if (attribute.Type == 1 /* NLMSGERR_ATTR_MSG */) text = attribute.Text;
        }
        return new KernelException(text is null ? step : $"{step} ({text})", (Errno)(-error));
    }

    private static Link ReadLink(ReadOnlySpan<byte> body)
    {
        int index = MemoryMarshal.Read<int>(body[4..]), mtu = 0, master = 0, peer = 0;
        bool up = (MemoryMarshal.Read<uint>(body[8..]) & 1) != 0;
        string name = "", kind = "";
        HardwareAddress address = default;
        var attributes = body[16..];
        while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
        {
            switch (attribute.Type)
            {
                case 1: address = HardwareAddress.Read(attribute.Value); break;
                case 3: name = attribute.Text; break;
                case 4: mtu = attribute.Integer; break;
                case 5: peer = attribute.Integer; break;
                case 10: master = attribute.Integer; break;
                case 18:
                    var info = attribute.Value;
                    while (NetlinkAttribute.TryTake(ref info, out var part))
                        if (part.Type == 1) kind = part.Text;
                    break;
            }
        }
        return new Link(index, name, kind, up, mtu, address, master, kind == "veth" ? peer : 0);
    }

    private static LinkCounters? ReadCounters(ReadOnlySpan<byte> body)
    {
        const ushort statistics64 = 23;   // IFLA_STATS64: struct rtnl_link_stats64
        var attributes = body[16..];
        while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
        {
            if (attribute.Type != statistics64) continue;
            var n = MemoryMarshal.Cast<byte, ulong>(attribute.Value);
            return new LinkCounters(n[2], n[0], n[4], n[6], n[3], n[1], n[5], n[7]);
        }
        return null;
    }

    private static LinkAddress? ReadAddress(ReadOnlySpan<byte> body)
    {
        IPAddress? local = null, other = null;
        var attributes = body[8..];
        while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
        {
            if (attribute.Type == 2) local = new IPAddress(attribute.Value);
            else if (attribute.Type == 1) other = new IPAddress(attribute.Value);
        }
        return (local ?? other) is { } address ? new LinkAddress(MemoryMarshal.Read<int>(body[4..]), address, body[1], body[3]) : null;
    }

    private static Route? ReadRoute(ReadOnlySpan<byte> body)
    {
        byte family = body[0], prefixLength = body[1], kind = body[7];
        const byte unicast = 1;
        if (family is not (2 or 10) || kind != unicast) return null;
        int index = 0, table = body[4];
        IPAddress? destination = null, gateway = null;
        var attributes = body[12..];
        while (NetlinkAttribute.TryTake(ref attributes, out var attribute))
        {
            switch (attribute.Type)
            {
                case 1: destination = new IPAddress(attribute.Value); break;
                case 4: index = attribute.Integer; break;
                case 5: gateway = new IPAddress(attribute.Value); break;
                case 15: table = attribute.Integer; break;
            }
        }
        return new Route(destination is null ? null : new IPNetwork(destination, prefixLength), gateway, index, table);
    }

    public void Dispose() => socket.Dispose();
}
