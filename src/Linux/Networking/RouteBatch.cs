using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>Changes to devices, addresses and routes that go to the kernel in one call and are made in this order (rtnetlink(7)).</summary>
/// <remarks>Each request is made or refused by itself: after a failure the later ones have still been tried.</remarks>
public sealed class RouteBatch
{
    private const ushort NewLink = 16, DeleteLinkType = 17, SetLink = 19, NewAddress = 20, DeleteAddressType = 21, NewRoute = 24, DeleteRouteType = 25, NewNeighbor = 28;
    private const ushort Request = 1, Acknowledge = 4, Exclusive = 0x200, Create = 0x400, Replace = 0x100;
    private const uint FlagUp = 1;

    // IFLA_*
    private const ushort LinkAddressAttribute = 1, LinkName = 3, LinkMtu = 4, LinkMaster = 10, LinkInfo = 18, LinkNamespaceFd = 28, LinkAfSpec = 26;

    private readonly NetlinkWriter writer = new();
    private readonly List<string> steps = [];

    internal IReadOnlyList<string> Steps => steps;

    internal uint FirstSequence { get; private set; } = 1;

    internal ReadOnlySpan<byte> Written => writer.Written;

    private void Begin(string step, ushort type, ushort flags = 0)
    {
        writer.Begin(type, (ushort)(flags | Request | Acknowledge), FirstSequence + (uint)steps.Count);
        steps.Add(step);
    }

    /// <summary>struct ifinfomsg { u8 family; u16 type; int index; u32 flags, change; }</summary>
    private void LinkHeader(int index = 0, uint flags = 0, uint change = 0)
    {
        var header = writer.Take(16);
        MemoryMarshal.Write(header[4..], index);
        MemoryMarshal.Write(header[8..], flags);
        MemoryMarshal.Write(header[12..], change);
    }

    /// <summary>A bridge, up. Its address is set at once: one of its own choosing would change as ports come and go.</summary>
    public RouteBatch CreateBridge(string name, HardwareAddress address, int mtu)
    {
        Begin($"create bridge {name}", NewLink, Create | Exclusive);
        LinkHeader(0, FlagUp, FlagUp);
        writer.Attribute(LinkName, CheckName(name));
        Attribute(LinkAddressAttribute, address);
        writer.Attribute(LinkMtu, mtu);
        Kind("bridge");
        return this;
    }

    /// <summary>A pair of devices that are wired to each other. The peer is made directly in its namespace, down: the kernel cannot open it before its other half is there.</summary>
    public RouteBatch CreateVeth(VethPair pair)
    {
        Begin($"create veth {pair.Name}", NewLink, Create | Exclusive);
        LinkHeader(0, FlagUp, FlagUp);
        writer.Attribute(LinkName, CheckName(pair.Name));
        writer.Attribute(LinkMtu, pair.Mtu);
        if (pair.Master != 0) writer.Attribute(LinkMaster, pair.Master);
        int info = writer.Open(LinkInfo);
        writer.Attribute(1 /* IFLA_INFO_KIND */, "veth");
        int data = writer.Open(2 /* IFLA_INFO_DATA */);
        int peer = writer.Open(1 /* VETH_INFO_PEER */);
        LinkHeader();
        writer.Attribute(LinkName, CheckName(pair.PeerName));
        Attribute(LinkAddressAttribute, pair.PeerAddress);
        writer.Attribute(LinkMtu, pair.Mtu);
        writer.Attribute(LinkNamespaceFd, pair.PeerNamespace.Number);
        writer.Close(peer);
        writer.Close(data);
        writer.Close(info);
        return this;
    }

    /// <summary>A device that leads nowhere, up.</summary>
    public RouteBatch CreateDummy(string name)
    {
        Begin($"create dummy {name}", NewLink, Create | Exclusive);
        LinkHeader(0, FlagUp, FlagUp);
        writer.Attribute(LinkName, CheckName(name));
        Kind("dummy");
        return this;
    }

    public RouteBatch DeleteLink(int index)
    {
        Begin($"delete link {index.ToString(CultureInfo.InvariantCulture)}", DeleteLinkType);
        LinkHeader(index);
        return this;
    }

    /// <summary>Changes what is not null in a device.</summary>
    public RouteBatch ChangeLink(int index, LinkChange change)
    {
        // What belongs to a port of a bridge is only looked at in the other kind of request.
        Begin($"change link {index.ToString(CultureInfo.InvariantCulture)}", change.Hairpin is null ? SetLink : NewLink);
        LinkHeader(index, change.Up == true ? FlagUp : 0, change.Up is null ? 0 : FlagUp);
        if (change.Name is { } name) writer.Attribute(LinkName, CheckName(name));
        if (change.Address is { } address) Attribute(LinkAddressAttribute, address);
        if (change.Mtu is { } mtu) writer.Attribute(LinkMtu, mtu);
        if (change.Master is { } master) writer.Attribute(LinkMaster, master);
        if (change.Namespace is { } target) writer.Attribute(LinkNamespaceFd, target.Number);
        if (change.Hairpin is { } hairpin)
        {
            const ushort portKind = 4, portData = 5, mode = 4;   // IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_MODE
            int info = writer.Open(LinkInfo);
            writer.Attribute(portKind, "bridge");
            int data = writer.Open(portData);
            writer.Attribute(mode, (byte)(hairpin ? 1 : 0));
            writer.Close(data);
            writer.Close(info);
        }
        if (change.WithoutIPv6Addresses)
        {
            const ushort addressGeneration = 8;   // IFLA_INET6_ADDR_GEN_MODE
            const byte none = 1;                  // IN6_ADDR_GEN_MODE_NONE
            int families = writer.Open(LinkAfSpec), inet6 = writer.Open((ushort)10);
            writer.Attribute(addressGeneration, none);
            writer.Close(inet6);
            writer.Close(families);
        }
        return this;
    }

    public RouteBatch AddAddress(int index, IPAddress address, int prefixLength) => Address(NewAddress, Create | Exclusive, "add address", index, address, prefixLength);

    public RouteBatch DeleteAddress(int index, IPAddress address, int prefixLength) => Address(DeleteAddressType, 0, "delete address", index, address, prefixLength);

    private RouteBatch Address(ushort type, ushort flags, string what, int index, IPAddress address, int prefixLength)
    {
        Begin(string.Create(CultureInfo.InvariantCulture, $"{what} {address}/{prefixLength}"), type, flags);
        // struct ifaddrmsg { u8 family, prefixlen, flags, scope; u32 index; }
        var header = writer.Take(8);
        header[0] = Family(address);
        header[1] = (byte)prefixLength;
        MemoryMarshal.Write(header[4..], index);
        const ushort own = 2, peer = 1, broadcast = 4;   // IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST
        writer.Attribute(own, address);
        writer.Attribute(peer, address);
        if (address.AddressFamily == AddressFamily.InterNetwork && prefixLength < 31 && type == NewAddress) writer.Attribute(broadcast, Broadcast(address, prefixLength));
        // A container's address is its own from the first moment: nobody else has been given it, so there is nothing to probe for.
        if (address.AddressFamily == AddressFamily.InterNetworkV6) header[2] = 0x02;   // IFA_F_NODAD
        return this;
    }

    public RouteBatch AddRoute(Route route) => RouteRequest(NewRoute, Create | Exclusive, "add route", route);

    public RouteBatch DeleteRoute(Route route) => RouteRequest(DeleteRouteType, 0, "delete route", route);

    private RouteBatch RouteRequest(ushort type, ushort flags, string what, Route route)
    {
        Begin($"{what} {route.Destination?.ToString() ?? "default"}", type, flags);
        // struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }
        var header = writer.Take(12);
        const byte bootProtocol = 3, scopeUniverse = 0, scopeLink = 253, unicast = 1;
        header[0] = Family(route.Destination?.BaseAddress ?? route.Gateway ?? IPAddress.Any);
        header[1] = (byte)(route.Destination?.PrefixLength ?? 0);
        header[4] = (byte)route.Table;
        header[5] = bootProtocol;
        header[6] = route.Gateway is null ? scopeLink : scopeUniverse;
        header[7] = unicast;
        const ushort destination = 1, device = 4, gateway = 5;   // RTA_DST, RTA_OIF, RTA_GATEWAY
        if (route.Destination is { } network) writer.Attribute(destination, network.BaseAddress);
        if (route.Index != 0) writer.Attribute(device, route.Index);
        if (route.Gateway is { } via) writer.Attribute(gateway, via);
        return this;
    }

    /// <summary>Tells the machine which hardware address an IP address on one of its links has now.</summary>
    public RouteBatch SetNeighbor(int index, IPAddress address, HardwareAddress hardware)
    {
        Begin($"set neighbour {address}", NewNeighbor, Create | Replace);
        // struct ndmsg { u8 family; u8 pad1; u16 pad2; s32 ifindex; u16 state; u8 flags, type; }
        const ushort reachable = 2, destination = 1, linkLayer = 2;
        var header = writer.Take(12);
        header[0] = Family(address);
        MemoryMarshal.Write(header[4..], index);
        MemoryMarshal.Write(header[8..], reachable);
        writer.Attribute(destination, address);
        Attribute(linkLayer, hardware);
        return this;
    }

    private void Kind(string kind)
    {
        int info = writer.Open(LinkInfo);
        writer.Attribute(1, kind);
        writer.Close(info);
    }

    private void Attribute(ushort type, HardwareAddress address)
    {
        Span<byte> bytes = stackalloc byte[HardwareAddress.Size];
        address.Write(bytes);
        writer.Attribute(type, bytes);
    }

    private static byte Family(IPAddress address) => (byte)(address.AddressFamily == AddressFamily.InterNetworkV6 ? 10 : 2);

    private static IPAddress Broadcast(IPAddress address, int prefixLength)
    {
        byte[] bytes = address.GetAddressBytes();
        uint value = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) | uint.MaxValue >> prefixLength;
        if (prefixLength == 0) value = uint.MaxValue;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new IPAddress(bytes);
    }

    /// <summary>The kernel cuts no name: it refuses one of more than 15 bytes with an error that does not say so.</summary>
    private static string CheckName(string name) =>
        name.Length is > 0 and <= 15 && !name.AsSpan().ContainsAny('/', ' ', ':') && name is not ("." or "..")
            ? name
            : throw new KernelException($"name a network device \"{name}\" (1 to 15 characters, no blank, slash or colon)", Errno.EINVAL);
}

/// <summary>What to make of a pair of veth devices.</summary>
public sealed record VethPair
{
    /// <summary>The end in the socket's own namespace; it is set up.</summary>
    public required string Name { get; init; }

    /// <summary>The index of the bridge that it becomes a port of; 0 is none.</summary>
    public int Master { get; init; }

    /// <summary>The other end: <c>eth0</c>.</summary>
    public required string PeerName { get; init; }

    public required HardwareAddress PeerAddress { get; init; }

    public required Fd PeerNamespace { get; init; }

    public int Mtu { get; init; } = 1500;
}

/// <summary>What to change in a device; null leaves a thing as it is.</summary>
public sealed record LinkChange
{
    public bool? Up { get; init; }

    public string? Name { get; init; }

    public int? Mtu { get; init; }

    public HardwareAddress? Address { get; init; }

    /// <summary>The index of a bridge; 0 takes it out of the one it is in.</summary>
    public int? Master { get; init; }

    /// <summary>The namespace to move it to.</summary>
    public Fd? Namespace { get; init; }

    /// <summary>For a port of a bridge: frames may go back through the port that they came in by.</summary>
    public bool? Hairpin { get; init; }

    /// <summary>The kernel gives it no IPv6 link-local address.</summary>
    public bool WithoutIPv6Addresses { get; init; }
}
