using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Unit.Api;

/// <summary>Commands in the manner of the real ones, for what the API layer does around them.</summary>
internal static class TestCommands
{
    public static Command<CommandArguments, List<string>> Lookup(string name, params string[] routes) => new(name, "Tells which arguments it got.")
    {
        Parameters =
        [
            Parameter.Path("name", "A name."), Parameter.Query("all", ParameterType.Boolean, "All of them."), Parameter.Query("n", ParameterType.Integer, "How many."),
            Parameter.Query("names", ParameterType.Strings, "Several."), Parameter.Header("X-Test", "A header."),
        ],
        Bind = a => a,
        Response = WireJson.TypeInfo<List<string>>(),
        Routes = routes,
    };

    public static Task<List<string>> Tell(Job job, CommandArguments a, CancellationToken cancellation) =>
        Task.FromResult<List<string>>([$"name={a.Find("name")}", $"all={a.Boolean("all")}", $"n={a.Integer("n")}", $"names={string.Join(',', a.FindAll("names"))}", $"header={a.Find("X-Test")}", $"api={job.Client.ApiVersion}"]);

    public static readonly Command<ContainerCreateRequest, IdResponse> Create = new("create", "Makes something of a body.")
    {
        Parameters = [Parameter.Query("name", ParameterType.String, "Its name."), Parameter.Body("body", "What to make.", required: true)],
        Bind = a => a.Body(WireJson.TypeInfo<ContainerCreateRequest>()) ?? throw EngineException.InvalidParameter("config cannot be empty in order to create a container"),
        Response = WireJson.TypeInfo<IdResponse>(),
        Routes = ["POST /things/create"],
        SuccessStatus = 201,
    };

    public static Command<Nothing, Nothing> Do(string name, string route, int status = 0, string? streams = null, bool outlives = false) => new(name, "Does something.")
    {
        Parameters = streams is "upload" ? [Parameter.BodyStream("archive", "Bytes.")] : [],
        Bind = _ => default,
        Routes = [route],
        SuccessStatus = status,
        Streams = streams,
        OutlivesClient = outlives,
    };
}
