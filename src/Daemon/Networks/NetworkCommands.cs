using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>The engine commands of the networks (reference 2.1, 2.2, 4.1).</summary>
public static class NetworkCommands
{
    public static readonly Command<NetworkListRequest, List<NetworkResource>> Networks = new("networks", "Lists networks.")
    {
        Parameters = [Parameter.Query("filters", ParameterType.Object, "which ones: dangling, driver, id, label, name, scope, type (custom or builtin)")],
        Bind = a => new NetworkListRequest(Filters.Parse(a.Find("filters"), NetworkFilter.Keys)),
        Response = WireJson.TypeInfo<List<NetworkResource>>(),
        Routes = ["GET /networks", "GET /networks/"],
        Permission = "read",
    };

    public static readonly Command<NetworkInspectRequest, NetworkResource> NetworkInspect = new("network_inspect", "Tells all about a network, with the containers that run on it.")
    {
        Parameters =
        [
            Parameter.Path("id", "name, id, or the beginning of an id"),
            Parameter.Query("verbose", ParameterType.Boolean, "accepted for Docker's sake: there is no more to tell", "false"),
            Parameter.Query("scope", ParameterType.String, "only a network of this scope: local"),
        ],
        Bind = a => a.String("scope") is "" or "local" ? new NetworkInspectRequest(a.Required("id")) : throw EngineException.NotFound($"network {a.Required("id")} not found"),
        Response = WireJson.TypeInfo<NetworkResource>(),
        Routes = ["GET /networks/{id}"],
        Permission = "read",
    };

    public static readonly Command<NetworkInspectRequest, Nothing> NetworkDelete = new("network_delete", "Removes a network; predefined ones stay.")
    {
        Parameters = [Parameter.Path("id", "name, id, or the beginning of an id")],
        Bind = a => new NetworkInspectRequest(a.Required("id")),
        Routes = ["DELETE /networks/{id}"],
    };

    public static readonly Command<NetworkListRequest, NetworksPruneResponse> NetworksPrune = new("networks_prune", "Removes networks that no container is on; predefined ones stay.")
    {
        Parameters = [Parameter.Query("filters", ParameterType.Object, "which: label, label!, until")],
        Bind = a => new NetworkListRequest(Filters.Parse(a.Find("filters"), NetworkFilter.PruneKeys)),
        Response = WireJson.TypeInfo<NetworksPruneResponse>(),
        Routes = ["POST /networks/prune"],
        Since = "1.25",
    };

    public static readonly Command<Nothing, Nothing> InitNetworkDriver = new("init_networkdriver", "Makes the predefined networks, the default bridge and its packet filter.")
    {
        Bind = _ => default,
        Since = "gantry",
        Permission = "admin",
        Internal = true,
    };

    public static readonly Command<AllocateInterfaceRequest, AllocatedInterface> AllocateInterface = new("allocate_interface", "Gives an address of the default bridge to an asker.")
    {
        Parameters =
        [
            Asker, new Parameter("RequestedIP", ParameterType.String, ParameterLocation.None, "a certain address; any when it is empty"),
        ],
        Bind = a => new AllocateInterfaceRequest(a.Required("id"), a.String("RequestedIP")),
        Response = WireJson.TypeInfo<AllocatedInterface>(),
        Since = "gantry",
        Permission = "admin",
    };

    public static readonly Command<ReleaseInterfaceRequest, Nothing> ReleaseInterface = new("release_interface", "Takes an asker's address and ports back.")
    {
        Parameters = [Asker],
        Bind = a => new ReleaseInterfaceRequest(a.Required("id")),
        Since = "gantry",
        Permission = "admin",
    };

    public static readonly Command<AllocatePortRequest, AllocatedPort> AllocatePort = new("allocate_port", "Leads a port of the host to an asker's address.")
    {
        Parameters =
        [
            Asker,
            new Parameter("HostIP", ParameterType.String, ParameterLocation.None, "address of the host; the engine's default when it is empty"),
            new Parameter("HostPort", ParameterType.Integer, ParameterLocation.None, "port of the host; any free one when it is 0") { Default = "0" },
            new Parameter("ContainerPort", ParameterType.Integer, ParameterLocation.None, "port behind the asker's address") { Required = true },
            new Parameter("Proto", ParameterType.String, ParameterLocation.None, "tcp, udp or sctp") { Default = "tcp" },
        ],
        Bind = a => new AllocatePortRequest(a.Required("id"), a.String("HostIP"), a.Integer("HostPort") ?? 0,
            a.Integer("ContainerPort") ?? throw EngineException.InvalidParameter("the argument 'ContainerPort' is missing or empty"), a.Find("Proto") is { Length: > 0 } protocol ? protocol : "tcp"),
        Response = WireJson.TypeInfo<AllocatedPort>(),
        Since = "gantry",
        Permission = "admin",
    };

    public static readonly Command<LinkRequest, Nothing> Link = new("link", "Opens or closes the way from one address to ports of another where containers do not reach each other.")
    {
        Parameters =
        [
            new Parameter("action", ParameterType.String, ParameterLocation.None, "-I opens, -D closes") { Required = true, Position = 0 },
            new Parameter("ParentIP", ParameterType.String, ParameterLocation.None, "address that connections come from") { Required = true },
            new Parameter("ChildIP", ParameterType.String, ParameterLocation.None, "address that they go to") { Required = true },
            new Parameter("Ports", ParameterType.Strings, ParameterLocation.None, "ports such as 80/tcp") { Required = true },
            new Parameter("IgnoreErrors", ParameterType.Boolean, ParameterLocation.None, "closing what is not open is no error") { Default = "false" },
        ],
        Bind = a => new LinkRequest(a.Required("action") switch
        {
            "-I" or "-A" => true,
            "-D" => false,
            var other => throw EngineException.InvalidParameter($"invalid action \"{other}\": -I or -D"),
        }, a.Required("ParentIP"), a.Required("ChildIP"), a.FindAll("Ports"), a.Boolean("IgnoreErrors")),
        Since = "gantry",
        Permission = "admin",
    };

    private static Parameter Asker => new("id", ParameterType.String, ParameterLocation.None, "who asks: any text, under which it is released again") { Required = true, Position = 0 };

    /// <summary>Registers what can be asked at once. The four commands about addresses and ports come with <c>init_networkdriver</c>, unless there is no default bridge.</summary>
    public static void RegisterNetworkCommands(this Engine.Engine engine, NetworkService service)
    {
        engine.Register(Networks, (_, request, _) => Task.FromResult(service.List(request.Filters)));
        engine.Register(NetworkInspect, (_, request, _) => Task.FromResult(service.Inspect(request.Network)));
        engine.Register(NetworkDelete, (_, request, _) =>
        {
            service.Delete(request.Network);
            return Task.FromResult(default(Nothing));
        });
        engine.Register(NetworksPrune, (_, _, _) => Task.FromResult(service.Prune()));
        engine.Register(InitNetworkDriver, async (_, _, cancellation) =>
        {
            await service.StartAsync(cancellation).ConfigureAwait(false);
            if (service.HasDefaultBridge && engine.Find(AllocateInterface.Name) is null) engine.RegisterAddressCommands(service);
            return default;
        });
    }

    private static void RegisterAddressCommands(this Engine.Engine engine, NetworkService service)
    {
        engine.Register(AllocateInterface, (_, request, _) => Task.FromResult(service.AllocateInterface(request.Id, request.RequestedIP)));
        engine.Register(ReleaseInterface, async (_, request, _) =>
        {
            await service.ReleaseInterfaceAsync(request.Id).ConfigureAwait(false);
            return default(Nothing);
        });
        engine.Register(AllocatePort, (_, request, cancellation) => service.AllocatePortAsync(request, cancellation));
        engine.Register(Link, (_, request, _) =>
        {
            service.ChangeLink(request);
            return Task.FromResult(default(Nothing));
        });
    }
}
