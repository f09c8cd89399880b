using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>Reads what <c>POST /engine/commands/{name}</c> asks for.</summary>
internal static class CommandRuns
{
    public static async Task<CommandRunRequest> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        var body = await RequestBody.ReadJsonAsync(request, cancellation).ConfigureAwait(false);
        return body.IsEmpty ? new CommandRunRequest() : RequestJson.Decode(body.Span, WireJson.TypeInfo<CommandRunRequest>()) ?? new CommandRunRequest();
    }

    /// <param name="arguments">A JSON object of the arguments; null or empty for none.</param>
    public static CommandRunRequest FromQuery(string? arguments) => new()
    {
        Arguments = string.IsNullOrEmpty(arguments) ? [] : RequestJson.Decode(Encoding.UTF8.GetBytes(arguments), WireJson.TypeInfo<Dictionary<string, System.Text.Json.JsonElement>>()) ?? [],
    };
}
