using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Networks;

public sealed record NetworkListRequest(Filters Filters);

/// <param name="Network">Name, id, or the beginning of an id.</param>
public sealed record NetworkInspectRequest(string Network);

/// <summary>Asks for an address of the default bridge.</summary>
/// <param name="Id">Who asks: it is released by this.</param>
/// <param name="RequestedIP">Empty is any.</param>
public sealed record AllocateInterfaceRequest(string Id, string RequestedIP);

public sealed record ReleaseInterfaceRequest(string Id);

/// <param name="HostPort">0 is an ephemeral one.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
public sealed record AllocatePortRequest(string Id, string HostIP, int HostPort, int ContainerPort, string Protocol);

/// <param name="Ports"><c>80/tcp</c>.</param>
/// <param name="IgnoreErrors">Taking away what is not there is no error.</param>
public sealed record LinkRequest(bool Add, string ParentIP, string ChildIP, IReadOnlyList<string> Ports, bool IgnoreErrors);
