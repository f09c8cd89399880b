using Gantry.Daemon.Engine;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api;

/// <summary>One request's job: its streams are the request's, and its end is written as the answer.</summary>
internal sealed class JobExchange(Engine.Engine engine, ApiHeaders headers, ILogger log, HttpContext context, Version version)
{
    private readonly ConnectionLife life = context.Features.GetRequiredFeature<ConnectionLife>();

    private JobClient Client => new(version, context.Connection.RemoteIpAddress?.ToString() ?? "unix");

    public async Task RunAsync(Command command, CommandArguments arguments)
    {
        var output = new HttpJobOutput(context.Response, command.EffectiveStatus);
        var connection = new ClientConnection(context, life, headers);
        var job = engine.CreateJob(command, Client, input: command.TakesStream ? context.Request.Body : null, output: output, connection: connection);
        using var watch = command.OutlivesClient || command.IsTwoWay ? null : new ClientWatch(life, context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket, job);
        try
        {
            var result = await engine.RunAsync(job, arguments, CancellationToken.None).ConfigureAwait(false);
            if (!connection.IsTakenOver) await FinishAsync(command, output, result).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await FailAsync(connection, output, watch, e).ConfigureAwait(false);
        }
        finally
        {
            await connection.EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Starts the job and answers 202 with its description.</summary>
    public async Task DetachAsync(Command command, CommandArguments arguments)
    {
        var job = engine.CreateJob(command, Client, output: new TailOutput());
        engine.RunDetached(job, arguments);
        context.Response.StatusCode = 202;
        context.Response.ContentType = "application/json";
        await JsonAnswer.WriteAsync(context.Response, new JsonBody<JobDescription>(job.Describe(), WireJson.TypeInfo<JobDescription>())).ConfigureAwait(false);
    }

    private async Task FinishAsync(Command command, HttpJobOutput output, CommandResult result)
    {
        var response = context.Response;
        if (output.HasStarted)
        {
            // The head went out early (wait does that): the response is what is left to say.
            if (result.Body is { } late) await response.BodyWriter.WriteAsync(JsonAnswer.Render(late).WrittenMemory).ConfigureAwait(false);
            return;
        }
        output.ApplyHeaders(response);
        response.StatusCode = result.Status;
        if (result.Body is { } body)
        {
            response.ContentType = "application/json";
            await JsonAnswer.WriteAsync(response, body).ConfigureAwait(false);
        }
        else if (result.Status is not (204 or 304))
        {
            if (command.Streams is not null) response.ContentType = output.ContentType;
            response.ContentLength ??= 0;
        }
    }

    private async Task FailAsync(ClientConnection connection, HttpJobOutput output, ClientWatch? watch, Exception error)
    {
        var (request, response) = (context.Request, context.Response);
        if (watch?.ClientGone == true)
        {
            ApiLog.ClientGone(log, request.Method, request.Path);
            context.Abort();
            return;
        }
        if (error is not (EngineException or OperationCanceledException or BadHttpRequestException)) ApiLog.RequestFailed(log, request.Method, request.Path, error);
        if (connection.IsTakenOver) return;
        if (!output.HasStarted)
        {
            await ApiErrors.WriteAsync(response, error is BadHttpRequestException bad ? bad.StatusCode : ApiErrors.StatusOf(error), ApiErrors.TextOf(error)).ConfigureAwait(false);
        }
        else if (error is OperationCanceledException && engine.IsShutdown)
        {
            // A stream without an end of its own ends with the engine.
        }
        else if (output.ContentType == "application/json")
        {
            await response.BodyWriter.WriteAsync(ApiErrors.LastLine(ApiErrors.TextOf(error), (error as EngineException)?.StreamCode ?? 0)).ConfigureAwait(false);
        }
        else
        {
            context.Abort();   // an archive that is cut off must not look complete
        }
    }
}
