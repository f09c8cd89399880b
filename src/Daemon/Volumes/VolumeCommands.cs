using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;
using Gantry.Protocol.Volumes;
using static Gantry.Daemon.Engine.Parameter;

namespace Gantry.Daemon.Volumes;

public sealed record VolumeReference(string Name);

public sealed record VolumeRemoveRequest(string Name, bool Force);

public sealed record VolumeFilterRequest(string? Filters);

/// <summary>The engine's commands for volumes.</summary>
public static class VolumeCommands
{
    private static readonly Parameter Name = Path("name", "The volume's name.");

    public static readonly Command<VolumeCreateRequest, Volume> Create = new("volume_create", "Makes a volume, or finds the one of that name.")
    {
        Parameters = [Body("config", "Name, Driver, DriverOpts, Labels.")],
        Routes = ["POST /volumes/create"],
        SuccessStatus = 201,
        Bind = a => a.Body(WireJson.TypeInfo<VolumeCreateRequest>()) ?? new VolumeCreateRequest(),
        Response = WireJson.TypeInfo<Volume>(),
    };

    public static readonly Command<VolumeFilterRequest, VolumeListResponse> List = new("volumes", "Lists volumes.")
    {
        Parameters = [Query("filters", ParameterType.Object, "Which: dangling, driver, label, name.")],
        Routes = ["GET /volumes"],
        Permission = "read",
        Bind = a => new VolumeFilterRequest(a.Find("filters")),
        Response = WireJson.TypeInfo<VolumeListResponse>(),
    };

    public static readonly Command<VolumeReference, Volume> Inspect = new("volume_inspect", "Shows a volume.")
    {
        Parameters = [Name],
        Routes = ["GET /volumes/{name}"],
        Permission = "read",
        Bind = a => new VolumeReference(a.Required("name")),
        Response = WireJson.TypeInfo<Volume>(),
    };

    public static readonly Command<VolumeRemoveRequest, Nothing> Remove = new("volume_remove", "Removes a volume that nobody uses.")
    {
        Parameters = [Name, Query("force", ParameterType.Boolean, "No error when there is none.")],
        Routes = ["DELETE /volumes/{name}"],
        OutlivesClient = true,
        Bind = a => new VolumeRemoveRequest(a.Required("name"), a.Boolean("force")),
    };

    public static readonly Command<VolumeFilterRequest, VolumesPruneResponse> Prune = new("volumes_prune", "Removes volumes that nobody uses.")
    {
        Parameters = [Query("filters", ParameterType.Object, "Which: label, label!, all.")],
        Routes = ["POST /volumes/prune"],
        Since = "1.25",
        Bind = a => new VolumeFilterRequest(a.Find("filters")),
        Response = WireJson.TypeInfo<VolumesPruneResponse>(),
    };

    public static void RegisterVolumeCommands(this Engine.Engine engine, VolumeService service)
    {
        engine.Register(Create, (_, request, cancellation) => service.CreateAsync(request, cancellation));
        engine.Register(List, (_, request, _) => Task.FromResult(service.List(request.Filters)));
        engine.Register(Inspect, (_, request, _) => Task.FromResult(service.Inspect(request.Name)));
        engine.Register(Remove, async (_, request, _) =>
        {
            await service.RemoveAsync(request.Name, request.Force).ConfigureAwait(false);
            return default;
        });
        engine.Register(Prune, (job, request, cancellation) => service.PruneAsync(request.Filters, job.Client.ApiVersion, cancellation));
    }
}
