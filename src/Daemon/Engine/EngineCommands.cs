using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Engine;

/// <summary>The commands of the engine itself.</summary>
public static class EngineCommands
{
    /// <summary>Names of all commands in ordinal order.</summary>
    public static readonly Command<Nothing, List<string>> Commands = new("commands", "Lists the names of all engine commands.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<List<string>>(),
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<Nothing, List<CommandDescription>> CommandList = new("command_list", "Describes all engine commands.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<List<CommandDescription>>(),
        Routes = ["GET /engine/commands"],
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<string, CommandDescription> CommandInspect = new("command_inspect", "Describes one engine command.")
    {
        Parameters = [Parameter.Path("name", "The command's name.")],
        Bind = a => a.Required("name"),
        Response = WireJson.TypeInfo<CommandDescription>(),
        Routes = ["GET /engine/commands/{name}"],
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<ServeApiRequest, Nothing> ServeApi = new("serveapi", "Serves the API on the given sockets until the engine ends.")
    {
        Bind = _ => throw EngineException.Forbidden("serveapi is run by the engine itself"),
        Since = "gantry",
        Permission = "admin",
        Internal = true,
    };

    public static readonly Command<Nothing, Nothing> AcceptConnections = new("acceptconnections", "Lets waiting clients in and tells the service manager that the engine is ready.")
    {
        Bind = _ => default,
        Since = "gantry",
        Permission = "admin",
        Internal = true,
    };

    /// <summary>Registers what needs nothing but the engine.</summary>
    public static void RegisterEngineCommands(this Engine engine)
    {
        engine.Register(Commands, (_, _, _) => Task.FromResult(engine.Commands.Select(c => c.Name).ToList()));
        engine.Register(CommandList, (_, _, _) => Task.FromResult(engine.Commands.Select(c => c.Describe()).ToList()));
        engine.Register(CommandInspect, (_, name, _) => Task.FromResult((engine.Find(name) ?? throw EngineException.NotFound($"{name}: command not found")).Describe()));
        engine.Register(AcceptConnections, (_, _, _) =>
        {
            engine.AcceptGate.Open();
            ServiceManager.NotifyReady();
            return Task.FromResult(default(Nothing));
        });
        engine.RegisterJobCommands();
    }
}

/// <summary>Addresses to serve: <c>unix:///path</c>, <c>tcp://host:port</c>, <c>fd://</c>.</summary>
public sealed record ServeApiRequest(IReadOnlyList<string> Addresses);
