using System.Text.Json;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>The container routes. Ids and names go into paths as they are given; the engine resolves them.</summary>
internal sealed partial class EngineClient
{
    private static string ContainerPath(string id, string operation = "") => id is "." or ".."
        ? throw new ContainerEngineException(EngineErrorKind.NotFound, $"No such container: {id}") { Request = "GET /containers/" }   // a URI would swallow it
        : $"/containers/{Uri.EscapeDataString(id)}{operation}";

    public IAsyncEnumerable<ContainerSummary> ListContainersAsync(Filters? filters, bool size, CancellationToken cancellation) =>
        EnumerateAsync<ContainerSummary>("/containers/json", new Query { { "all", true }, { "size", size }, { "filters", filters } }, cancellation);

    public Task<ContainerInspect> InspectContainerAsync(string id, bool size, CancellationToken cancellation) =>
        GetAsync<ContainerInspect>(ContainerPath(id, "/json"), new Query { { "size", size } }, cancellation);

    public Task<ContainerCreateResponse> CreateContainerAsync(ContainerCreateRequest request, string? name, string? platform, CancellationToken cancellation) =>
        PostAsync<ContainerCreateRequest, ContainerCreateResponse>("/containers/create", new Query { { "name", name }, { "platform", platform } }, request, cancellation);

    /// <returns>False when it runs already.</returns>
    public Task<bool> StartContainerAsync(string id, CancellationToken cancellation, string? checkpoint = null, string? checkpointDirectory = null) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/start"), new Query { { "checkpoint", checkpoint }, { "checkpoint-dir", checkpointDirectory } }, cancellation);

    /// <returns>False when it does not run.</returns>
    public Task<bool> StopContainerAsync(string id, string? signal, int? graceSeconds, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/stop"), new Query { { "signal", signal }, { "t", graceSeconds } }, cancellation);

    public Task RestartContainerAsync(string id, string? signal, int? graceSeconds, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/restart"), new Query { { "signal", signal }, { "t", graceSeconds } }, cancellation);

    public Task KillContainerAsync(string id, string? signal, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/kill"), new Query { { "signal", signal } }, cancellation);

    public Task PauseContainerAsync(string id, CancellationToken cancellation) => RunAsync(HttpMethod.Post, ContainerPath(id, "/pause"), null, cancellation);

    public Task UnpauseContainerAsync(string id, CancellationToken cancellation) => RunAsync(HttpMethod.Post, ContainerPath(id, "/unpause"), null, cancellation);

    public Task RenameContainerAsync(string id, string newName, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/rename"), new Query { { "name", newName } }, cancellation);

    public Task RemoveContainerAsync(string id, bool force, bool volumes, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Delete, ContainerPath(id), new Query { { "force", force }, { "v", volumes } }, cancellation);

    public Task<ContainerUpdateResponse> UpdateContainerAsync(string id, ContainerUpdateRequest request, CancellationToken cancellation) =>
        PostAsync<ContainerUpdateRequest, ContainerUpdateResponse>(ContainerPath(id, "/update"), null, request, cancellation);

    /// <summary>Asks to be told of the exit. The inner task ends with it; the outer one as soon as the engine has begun to wait, so that nothing that follows can be missed.</summary>
    public async Task<Task<ContainerWaitResponse>> BeginWaitAsync(string id, string? condition, CancellationToken cancellation)
    {
        string path = ContainerPath(id, "/wait");
        var response = await SendAsync(HttpMethod.Post, path, new Query { { "condition", condition } }, cancellation).ConfigureAwait(false);
        return ReadExitAsync();

        async Task<ContainerWaitResponse> ReadExitAsync()
        {
            using (response)
            {
                try
                {
                    using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
                    return await JsonSerializer.DeserializeAsync(stream, WireJson.TypeInfo<ContainerWaitResponse>(), cancellation).ConfigureAwait(false) ?? new ContainerWaitResponse();
                }
                catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
                {
                    throw Translate(e, $"POST {path}");
                }
            }
        }
    }

    public Task<HijackedConnection> AttachContainerAsync(
        string id, bool stdin, bool stdout, bool stderr, bool logs, bool terminal, CancellationToken cancellation, string? detachKeys = null) =>
        HijackAsync(
            ContainerPath(id, "/attach"),
            new Query { { "stream", true }, { "stdin", stdin }, { "stdout", stdout }, { "stderr", stderr }, { "logs", logs }, { "detachKeys", detachKeys } },
            null,
            terminal,
            cancellation);

    public Task ResizeContainerAsync(string id, int width, int height, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(id, "/resize"), new Query { { "w", (int?)width }, { "h", (int?)height } }, cancellation);

    public Task<HttpResponseMessage> OpenLogsAsync(string id, LogRequest request, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, ContainerPath(id, "/logs"), request.ToQuery(), cancellation);

    public Task<ContainerTopResponse> TopContainerAsync(string id, string? arguments, CancellationToken cancellation) =>
        GetAsync<ContainerTopResponse>(ContainerPath(id, "/top"), new Query { { "ps_args", arguments } }, cancellation);

    public Task<ContainerStats> ReadStatsAsync(string id, bool oneShot, CancellationToken cancellation) =>
        GetAsync<ContainerStats>(ContainerPath(id, "/stats"), new Query { { "stream", "0" }, { "one-shot", oneShot } }, cancellation);

    public IAsyncEnumerable<ContainerStats> StreamStatsAsync(string id, CancellationToken cancellation) =>
        ReadLinesAsync<ContainerStats>(HttpMethod.Get, ContainerPath(id, "/stats"), new Query { { "stream", true } }, cancellation);
}
