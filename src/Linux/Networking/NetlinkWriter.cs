using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Gantry.Linux.Networking;

/// <summary>Writes netlink messages into one buffer: headers, fixed parts and attributes, nested where needed (netlink(7), <c>linux/netlink.h</c>).</summary>
internal sealed class NetlinkWriter
{
    public const int HeaderSize = 16;
    private byte[] buffer = new byte[1024];
    private int length;
    private int message = -1;

    public ReadOnlySpan<byte> Written
    {
        get
        {
            End();
            return buffer.AsSpan(0, length);
        }
    }

    public void Clear()
    {
        length = 0;
        message = -1;
    }

    /// <summary>Begins a message; what follows belongs to it, until the next one begins.</summary>
    public void Begin(ushort type, ushort flags, uint sequence)
    {
        End();
        message = length;
        // struct nlmsghdr { u32 len; u16 type, flags; u32 seq, pid; }
        var header = Take(HeaderSize);
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], flags);
        MemoryMarshal.Write(header[8..], sequence);
    }

    private void End()
    {
        if (message >= 0) BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(message), length - message);
    }

    /// <summary>Room for a fixed part, all zero.</summary>
    public Span<byte> Take(int size)
    {
        int aligned = (size + 3) & ~3;
        if (length + aligned > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + aligned));
        var room = buffer.AsSpan(length, aligned);
        room.Clear();
        length += aligned;
        return room[..size];
    }

    public void Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        // struct nlattr { u16 len, type; }
        var room = Take(4 + value.Length);
        MemoryMarshal.Write(room, (ushort)(4 + value.Length));
        MemoryMarshal.Write(room[2..], type);
        value.CopyTo(room[4..]);
    }

    public void Attribute(ushort type, int value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    public void Attribute(ushort type, byte value) => Attribute(type, new ReadOnlySpan<byte>(in value));

    public void Attribute(ushort type, ushort value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<ushort>(in value)));

    /// <summary>A text, ended by a zero byte.</summary>
    public void Attribute(ushort type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + "\0"));

    public void Attribute(ushort type, IPAddress value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, out int size);
        Attribute(type, bytes[..size]);
    }

    /// <summary>Begins an attribute that holds attributes; give the result to <see cref="Close"/>.</summary>
    public int Open(ushort type)
    {
        int at = length;
        MemoryMarshal.Write(Take(4)[2..], type);
        return at;
    }

    public void Close(int at) => MemoryMarshal.Write(buffer.AsSpan(at), (ushort)(length - at));
}
