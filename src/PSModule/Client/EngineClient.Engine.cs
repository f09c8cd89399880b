using Gantry.Protocol.Engine;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Client;

/// <summary>The engine itself: ping, version, info, events, and Gantry's commands and jobs.</summary>
internal sealed partial class EngineClient
{
    /// <summary>What the head of a ping's answer says. No version in the path: this is how one is agreed on (reference 4.2).</summary>
    public async Task<PingAnswer> PingAsync(CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await SendAsync(HttpMethod.Head, "/_ping", null, cancellation, versioned: false).ConfigureAwait(false);
        }
        catch (Objects.ContainerEngineException e) when (e.StatusCode is not null)
        {
            response = await SendAsync(HttpMethod.Get, "/_ping", null, cancellation, versioned: false).ConfigureAwait(false);
        }
        using (response)
        {
            string? version = Header(response, "Api-Version");
            return new PingAnswer(Version.TryParse(version, out var parsed) ? parsed : OldestVersion, Header(response, "Ostype") ?? "", Header(response, "Server") ?? "");
        }
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    public Task<VersionResponse> ReadVersionAsync(CancellationToken cancellation) => GetAsync<VersionResponse>("/version", null, cancellation);

    public Task<InfoResponse> ReadInfoAsync(CancellationToken cancellation) => GetAsync<InfoResponse>("/info", null, cancellation);

    public IAsyncEnumerable<EventMessage> ReadEventsAsync(DateTimeOffset? since, DateTimeOffset? until, Filters? filters, CancellationToken cancellation) =>
        ReadLinesAsync<EventMessage>(HttpMethod.Get, "/events", new Query { { "since", since }, { "until", until }, { "filters", filters } }, cancellation);

    /// <summary>Events from now on: open when this ends.</summary>
    public Task<JsonLines<EventMessage>> OpenEventsAsync(Filters? filters, CancellationToken cancellation) =>
        OpenLinesAsync<EventMessage>(HttpMethod.Get, "/events", new Query { { "filters", filters } }, cancellation);

    public IAsyncEnumerable<CommandDescription> ListCommandsAsync(CancellationToken cancellation) =>
        EnumerateAsync<CommandDescription>("/engine/commands", null, cancellation);

    public Task<CommandDescription> ReadCommandAsync(string name, CancellationToken cancellation) =>
        GetAsync<CommandDescription>($"/engine/commands/{Uri.EscapeDataString(name)}", null, cancellation);

    /// <summary>Runs a command; the caller reads the answer: JSON, lines of it, or nothing.</summary>
    public Task<HttpResponseMessage> RunCommandAsync(string name, CommandRunRequest request, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, $"/engine/commands/{Uri.EscapeDataString(name)}", null, cancellation, Json(request));

    public IAsyncEnumerable<JobDescription> ListJobsAsync(CancellationToken cancellation) => EnumerateAsync<JobDescription>("/engine/jobs", null, cancellation);

    /// <param name="wait">Answer when the job has ended.</param>
    public Task<JobDescription> ReadJobAsync(string id, bool wait, CancellationToken cancellation) =>
        GetAsync<JobDescription>($"/engine/jobs/{Uri.EscapeDataString(id)}", new Query { { "wait", wait } }, cancellation);

    public Task StopJobAsync(string id, CancellationToken cancellation) => RunAsync(HttpMethod.Delete, $"/engine/jobs/{Uri.EscapeDataString(id)}", null, cancellation);
}

/// <summary>The head of a ping's answer.</summary>
internal sealed record PingAnswer(Version ApiVersion, string OperatingSystem, string Server);
