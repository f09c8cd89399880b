using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gantry.Protocol.Engine;

namespace Gantry.Daemon.Engine;

/// <summary>Stands where a command has no request or no response.</summary>
public readonly record struct Nothing;

/// <summary>The description of a command, without its types: what the registry, the router and the clients see.</summary>
public abstract class Command
{
    protected Command(string name, string synopsis)
    {
        Name = name;
        Synopsis = synopsis;
    }

    public string Name { get; }

    /// <summary>One sentence.</summary>
    public string Synopsis { get; }

    public IReadOnlyList<Parameter> Parameters { get; init; } = [];

    /// <summary>Docker API routes that run this command: <c>POST /containers/{name}/start</c>; <c>{name*}</c> takes slashes too.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];

    /// <summary>The first API version with this command; <c>gantry</c> where Docker has no such thing.</summary>
    public string Since { get; init; } = "1.24";

    /// <summary><c>read</c>, <c>write</c> or <c>admin</c>.</summary>
    public string Permission { get; init; } = "write";

    /// <summary>The engine runs it itself; a client may not.</summary>
    public bool Internal { get; init; }

    /// <summary>HTTP status of a success; 0, the default, is 200 where there is a response or a stream, and 204 where there is none.</summary>
    public int SuccessStatus { get; init; }

    /// <summary>Runs to its end when the client that asked goes away (create, start, stop, delete: reference 6.9). Others are cancelled.</summary>
    public bool OutlivesClient { get; init; }

    /// <summary>Only watches (events, wait, a followed log): shutdown ends it at once instead of waiting for it.</summary>
    public bool Observes { get; init; }

    /// <summary>What is written to the job's output, when the answer is a stream: <c>stream of EventMessage</c>; a taken-over connection starts with <c>two-way</c>.</summary>
    public string? Streams { get; init; }

    /// <summary>Takes its client's connection over.</summary>
    internal bool IsTwoWay => Streams?.StartsWith("two-way", StringComparison.Ordinal) == true;

    /// <summary>The status that a success has on HTTP.</summary>
    internal int EffectiveStatus => SuccessStatus != 0 ? SuccessStatus : HasResponse || Streams is not null ? 200 : 204;

    /// <summary>Whether the request carries a JSON document, or a stream.</summary>
    internal bool TakesJson => Takes(ParameterType.Object);

    internal bool TakesStream => Takes(ParameterType.Stream);

    private bool Takes(ParameterType type)
    {
        foreach (var parameter in Parameters)
        {
            if (parameter.Location == ParameterLocation.Body && parameter.Type == type) return true;
        }
        return false;
    }

    protected abstract bool HasResponse { get; }

    protected abstract string RequestName { get; }

    protected abstract string ResponseName { get; }

    /// <summary>Binds the arguments and runs the handler; the response comes back rendered.</summary>
    internal abstract Task<CommandResult> InvokeAsync(Delegate handler, Job job, CommandArguments arguments, CancellationToken cancellation);

    public CommandDescription Describe() => new()
    {
        Name = Name,
        Synopsis = Synopsis,
        Parameters = [.. Parameters.Select(p => p.Describe())],
        Request = RequestName,
        Response = Streams ?? ResponseName,
        Routes = [.. Routes],
        Since = Since,
        Permission = Permission,
        Internal = Internal,
        OutlivesClient = OutlivesClient,
    };
}

/// <summary>A command's name, documentation and types. One static instance each; the service that implements it registers its handler.</summary>
public sealed class Command<TRequest, TResponse>(string name, string synopsis) : Command(name, synopsis)
{
    /// <summary>Makes the typed request of the arguments; throws <see cref="EngineException"/> for bad ones.</summary>
    public required Func<CommandArguments, TRequest> Bind { get; init; }

    /// <summary>How the response is written as JSON; null when there is none or when it is streamed.</summary>
    public JsonTypeInfo<TResponse>? Response { get; init; }

    protected override bool HasResponse => Response is not null;

    protected override string RequestName => typeof(TRequest) == typeof(Nothing) ? "" : typeof(TRequest).Name;

    protected override string ResponseName => Response is null ? "nothing" : Describe(typeof(TResponse));

    private static string Describe(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>) ? $"list of {type.GetGenericArguments()[0].Name}" : type.Name;

    internal override async Task<CommandResult> InvokeAsync(Delegate handler, Job job, CommandArguments arguments, CancellationToken cancellation)
    {
        TRequest request = Bind(arguments);
        TResponse response = await ((Func<Job, TRequest, CancellationToken, Task<TResponse>>)handler)(job, request, cancellation).ConfigureAwait(false);
        return new CommandResult(EffectiveStatus, Response is null ? null : new JsonBody<TResponse>(response, Response));
    }
}

/// <summary>What a finished run gives to whoever asked for it.</summary>
/// <param name="Status">HTTP status of the success.</param>
public sealed record CommandResult(int Status, JsonBody? Body);

/// <summary>A response record with its serialisation.</summary>
public abstract class JsonBody
{
    public abstract void Write(Utf8JsonWriter writer);

    public abstract JsonElement ToElement();
}

public sealed class JsonBody<T>(T value, JsonTypeInfo<T> type) : JsonBody
{
    public T Value { get; } = value;

    public override void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, Value, type);

    public override JsonElement ToElement() => JsonSerializer.SerializeToElement(Value, type);
}
