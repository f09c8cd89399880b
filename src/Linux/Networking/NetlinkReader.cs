using System.Runtime.InteropServices;
using System.Text;

namespace Gantry.Linux.Networking;

/// <summary>One netlink message as it came in.</summary>
internal readonly ref struct NetlinkMessage(ushort type, ushort flags, uint sequence, ReadOnlySpan<byte> body)
{
    public ushort Type { get; } = type;

    public ushort Flags { get; } = flags;

    public uint Sequence { get; } = sequence;

    /// <summary>What comes after the header.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>Cuts the next message off a datagram.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> datagram, out NetlinkMessage message)
    {
        message = default;
        if (datagram.Length < NetlinkWriter.HeaderSize) return false;
        int size = MemoryMarshal.Read<int>(datagram);
        if (size < NetlinkWriter.HeaderSize || size > datagram.Length) return false;
        message = new NetlinkMessage(MemoryMarshal.Read<ushort>(datagram[4..]), MemoryMarshal.Read<ushort>(datagram[6..]),
            MemoryMarshal.Read<uint>(datagram[8..]), datagram[NetlinkWriter.HeaderSize..size]);
        datagram = datagram[Math.Min(datagram.Length, (size + 3) & ~3)..];
        return true;
    }
}

/// <summary>One attribute of a message.</summary>
internal readonly ref struct NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
{
    private const ushort TypeMask = 0x3FFF;   // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

    public ushort Type { get; } = type;

    public ReadOnlySpan<byte> Value { get; } = value;

    public int Integer => Value.Length >= 4 ? MemoryMarshal.Read<int>(Value) : Value.Length >= 1 ? Value[0] : 0;

    public string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));

    public static bool TryTake(ref ReadOnlySpan<byte> attributes, out NetlinkAttribute attribute)
    {
        attribute = default;
        if (attributes.Length < 4) return false;
        int size = MemoryMarshal.Read<ushort>(attributes);
        if (size < 4 || size > attributes.Length) return false;
        attribute = new NetlinkAttribute((ushort)(MemoryMarshal.Read<ushort>(attributes[2..]) & TypeMask), attributes[4..size]);
        attributes = attributes[Math.Min(attributes.Length, (size + 3) & ~3)..];
        return true;
    }
}
