using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gantry.Daemon.Networks.Addresses;

/// <summary>Reckoning with IP addresses of both families as numbers.</summary>
internal static class IpNumber
{
    public static int Bits(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? 128 : 32;

    public static UInt128 ToNumber(this IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int size);
        return size == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public static IPAddress ToAddress(UInt128 number, AddressFamily family)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (family == AddressFamily.InterNetworkV6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
            return new IPAddress(bytes);
        }
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)number);
        return new IPAddress(bytes[..4]);
    }

    /// <summary>The first and the last address of a network.</summary>
    public static (UInt128 First, UInt128 Last) Span(this IPNetwork network)
    {
        UInt128 first = network.BaseAddress.ToNumber();
        int hostBits = Bits(network.BaseAddress.AddressFamily) - network.PrefixLength;
        return (first, hostBits == 128 ? UInt128.MaxValue : first + ((UInt128.One << hostBits) - 1));
    }

    public static bool Overlaps(this IPNetwork one, IPNetwork other) =>
        one.BaseAddress.AddressFamily == other.BaseAddress.AddressFamily && (one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress));

    /// <summary>The network that an address lies in.</summary>
    public static IPNetwork NetworkOf(IPAddress address, int prefixLength)
    {
        int hostBits = Bits(address.AddressFamily) - prefixLength;
        UInt128 number = hostBits >= 128 ? 0 : address.ToNumber() >> hostBits << hostBits;
        return new IPNetwork(ToAddress(number, address.AddressFamily), prefixLength);
    }

    /// <summary>Reads <c>172.30.0.1/16</c>, whose host part need not be zero.</summary>
    public static bool TryParseCidr([NotNullWhen(true)] string? text, [NotNullWhen(true)] out IPAddress? address, out int prefixLength)
    {
        address = null;
        prefixLength = 0;
        if (text?.Split('/') is not [var left, var right]) return false;
        return IPAddress.TryParse(left, out address) && int.TryParse(right, NumberStyles.None, CultureInfo.InvariantCulture, out prefixLength)
            && prefixLength <= Bits(address.AddressFamily);
    }
}
