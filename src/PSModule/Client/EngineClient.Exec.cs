using System.Text.Json;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Client;

/// <summary>Processes that are started in a container besides its own, and checkpoints of containers.</summary>
internal sealed partial class EngineClient
{
    private static string ExecPath(string id, string operation) => $"/exec/{Uri.EscapeDataString(id)}{operation}";

    public async Task<string> CreateExecAsync(string containerId, ExecCreateRequest request, CancellationToken cancellation) =>
        (await PostAsync<ExecCreateRequest, IdResponse>(ContainerPath(containerId, "/exec"), null, request, cancellation).ConfigureAwait(false)).Id;

    public Task StartExecDetachedAsync(string id, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ExecPath(id, "/start"), null, cancellation, Json(new ExecStartRequest { Detach = true }));

    public Task<HijackedConnection> StartExecAsync(string id, bool terminal, int[]? consoleSize, CancellationToken cancellation) => HijackAsync(
        ExecPath(id, "/start"),
        null,
        JsonSerializer.SerializeToUtf8Bytes(new ExecStartRequest { Tty = terminal, ConsoleSize = consoleSize }, WireJson.TypeInfo<ExecStartRequest>()),
        terminal,
        cancellation);

    public Task<ExecInspect> InspectExecAsync(string id, CancellationToken cancellation) => GetAsync<ExecInspect>(ExecPath(id, "/json"), null, cancellation);

    public Task ResizeExecAsync(string id, int width, int height, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ExecPath(id, "/resize"), new Query { { "w", (int?)width }, { "h", (int?)height } }, cancellation);

    public Task CreateCheckpointAsync(string containerId, CheckpointCreateRequest request, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ContainerPath(containerId, "/checkpoints"), null, cancellation, Json(request));

    public Task<List<CheckpointSummary>> ListCheckpointsAsync(string containerId, string? directory, CancellationToken cancellation) =>
        GetAsync<List<CheckpointSummary>>(ContainerPath(containerId, "/checkpoints"), new Query { { "dir", directory } }, cancellation);

    public Task RemoveCheckpointAsync(string containerId, string name, string? directory, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Delete, ContainerPath(containerId, $"/checkpoints/{Uri.EscapeDataString(name)}"), new Query { { "dir", directory } }, cancellation);
}
