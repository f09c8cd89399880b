using System.Net;

namespace Gantry.Linux.Networking;

/// <summary>A network device.</summary>
/// <param name="Kind"><c>bridge</c>, <c>veth</c>, …; empty for a plain one.</param>
/// <param name="Master">The index of the bridge it is a port of; 0 is none.</param>
/// <param name="Peer">For a veth the index of its other end, in that one's namespace; 0 is none.</param>
public sealed record Link(int Index, string Name, string Kind, bool Up, int Mtu, HardwareAddress Address, int Master, int Peer);

/// <summary>What a device has carried since it was made.</summary>
public sealed record LinkCounters(ulong ReceivedBytes, ulong ReceivedPackets, ulong ReceivedErrors, ulong ReceivedDropped,
    ulong SentBytes, ulong SentPackets, ulong SentErrors, ulong SentDropped);

/// <summary>An address of a device.</summary>
/// <param name="Scope">0 is global, 253 link, 254 host.</param>
public sealed record LinkAddress(int Index, IPAddress Address, int PrefixLength, byte Scope);

/// <summary>A route.</summary>
/// <param name="Destination">Null is the default route.</param>
/// <param name="Gateway">Null is on the link itself.</param>
/// <param name="Index">Of the device; 0 is none.</param>
/// <param name="Table">254 is the main table.</param>
public sealed record Route(IPNetwork? Destination, IPAddress? Gateway, int Index, int Table = Route.MainTable)
{
    public const int MainTable = 254;
}

/// <summary>A MAC address: six bytes, the first one highest.</summary>
public readonly record struct HardwareAddress(ulong Value)
{
    public const int Size = 6;

    /// <summary>A random address, locally administered and of a single station (IEEE 802).</summary>
    public static HardwareAddress Random()
    {
        Span<byte> bytes = stackalloc byte[Size];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        bytes[0] = (byte)(bytes[0] & 0xFE | 0x02);
        return Read(bytes);
    }

    public static HardwareAddress Read(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        foreach (byte b in bytes[..Math.Min(Size, bytes.Length)]) value = value << 8 | b;
        return new HardwareAddress(value);
    }

    /// <summary>Reads <c>02:42:ac:11:00:02</c>, with colons or dashes.</summary>
    public static bool TryParse(string text, out HardwareAddress address)
    {
        address = default;
        string[] parts = text.Split(':', '-');
        if (parts.Length != Size) return false;
        ulong value = 0;
        foreach (string part in parts)
        {
            if (part.Length != 2 || !byte.TryParse(part, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture, out byte b)) return false;
            value = value << 8 | b;
        }
        address = new HardwareAddress(value);
        return true;
    }

    public void Write(Span<byte> bytes)
    {
        for (int i = 0; i < Size; i++) bytes[i] = (byte)(Value >> 8 * (Size - 1 - i));
    }

    public override string ToString()
    {
        Span<byte> b = stackalloc byte[Size];
        Write(b);
        return $"{b[0]:x2}:{b[1]:x2}:{b[2]:x2}:{b[3]:x2}:{b[4]:x2}:{b[5]:x2}";
    }
}
