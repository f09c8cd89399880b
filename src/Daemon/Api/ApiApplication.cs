using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api;

/// <summary>Turns a request into a job and the job's end into an answer. Nothing else happens here: what is done is the commands' matter.</summary>
/// <remarks>
/// 1 take the target apart · 2 find what serves it, else 404 without any of our headers · 3 refuse API versions that are not spoken · 4 read a JSON body ·
/// 5 run the job, with the body, the answer and the connection as its streams (<see cref="JobExchange"/>) · 6 write its result, or its error.
/// </remarks>
internal sealed class ApiApplication(Engine.Engine engine, ApiHeaders headers, ILogger log) : IHttpApplication<HttpContext>
{
    private readonly Router router = new(engine);

    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        // Kestrel keeps one context per connection for us.
        var container = contextFeatures as IHostContextContainer<HttpContext>;
        if (container?.HostContext is not DefaultHttpContext context)
        {
            context = new DefaultHttpContext();
            if (container is not null) container.HostContext = context;
        }
        context.Initialize(contextFeatures);
        return context;
    }

    public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();

    public async Task ProcessRequestAsync(HttpContext context)
    {
        var response = context.Response;
        var target = RequestTarget.Parse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            headers.Set(response);
            response.ContentLength = 0;
            return;
        }
        try
        {
            if (router.Find(context.Request.Method, target) is not { } route)
            {
                await ApiErrors.WriteAsync(response, 404, "page not found").ConfigureAwait(false);
                return;
            }
            ApiHeaders.SetVersion(response);
            var version = ApiVersions.Negotiate(target.Version);
            headers.Set(response);
            var exchange = new JobExchange(engine, headers, log, context, version);
            if (route.Answer is { } answer) await AnswerAsync(context, route, answer).ConfigureAwait(false);
            else if (route.Command is { } command) await RunAsync(exchange, context, command, route, target).ConfigureAwait(false);
            else await RunNamedAsync(exchange, context, route.Values[0].Value, target).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            await ApiErrors.WriteAsync(response, (int)e.Kind, e.Message, ApiVersions.WantsPlainText(target.Version)).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await ApiErrors.WriteAsync(response, e.StatusCode, e.Message).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(JobExchange exchange, HttpContext context, Command command, RouteMatch route, RequestTarget target)
    {
        var body = command.TakesJson ? await RequestBody.ReadJsonAsync(context.Request, context.RequestAborted).ConfigureAwait(false) : default;
        await exchange.RunAsync(command, new HttpArguments(command, route, target.Query, context.Request, body)).ConfigureAwait(false);
    }

    /// <summary>Runs the command that the path names. The arguments are the JSON body; for a command that reads a stream this is the body, and the arguments are a query value.</summary>
    private async Task RunNamedAsync(JobExchange exchange, HttpContext context, string name, RequestTarget target)
    {
        var command = engine.Find(name) ?? throw EngineException.NotFound($"{name}: command not found");
        if (command.Internal) throw EngineException.Forbidden($"{name} is run by the engine itself");
        bool streams = command.TakesStream && context.Request.ContentType is { } type && !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);
        var request = streams ? CommandRuns.FromQuery(target.Query.Find("arguments")) : await CommandRuns.ReadAsync(context.Request, context.RequestAborted).ConfigureAwait(false);
        var arguments = new JsonArguments(command, request.Arguments);
        if (request.Detach) await exchange.DetachAsync(command, arguments).ConfigureAwait(false);
        else await exchange.RunAsync(command, arguments).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(HttpContext context, RouteMatch route, FixedAnswer answer)
    {
        if (answer.OnUpgrade is { } unsupported && context.Request.Headers.Upgrade.Count > 0) throw EngineException.NotImplemented(unsupported);
        if (answer.Message is { } message)
            throw new EngineException(answer.Kind, route.Values.Count == 0 ? message : message.Replace("{name}", route.Values[0].Value, StringComparison.Ordinal));
        context.Response.ContentType = "application/json";
        await JsonAnswer.SendAsync(context.Response, System.Text.Encoding.UTF8.GetBytes(answer.Body!)).ConfigureAwait(false);
    }
}
