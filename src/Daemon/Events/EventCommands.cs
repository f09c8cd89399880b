using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Events;

/// <param name="Since">Unix nanoseconds; null for what happens from now on.</param>
/// <param name="Until">Unix nanoseconds; null for ever.</param>
public sealed record EventsRequest(long? Since, long? Until, Filters Filters);

/// <param name="Id">The thing's id.</param>
/// <param name="From">The image of a container.</param>
public sealed record LogRequest(string Action, string Id, string From);

/// <summary>The events group of the original engine (reference 2.1).</summary>
public static class EventCommands
{
    public static readonly Command<EventsRequest, Nothing> Events = new("events", "Streams what happens, from a time on and until a time.")
    {
        Parameters =
        [
            Parameter.Query("since", ParameterType.String, "First time to show: Unix seconds with or without a fraction, or RFC 3339. By default only what happens from now on."),
            Parameter.Query("until", ParameterType.String, "Time at which the stream ends. By default never."),
            Parameter.Query("filters", ParameterType.Object, "Filters by config, container, daemon, event, image, label, network, plugin, scope, service, type, volume."),
        ],
        Bind = Bind,
        Routes = ["GET /events"],
        Streams = "stream of EventMessage",
        Permission = "read",
        Observes = true,
    };

    public static readonly Command<LogRequest, Nothing> Log = new("log", "Publishes an event.")
    {
        Parameters =
        [
            new Parameter("action", ParameterType.String, ParameterLocation.None, "What happened: start, die, …") { Required = true, Position = 0 },
            new Parameter("id", ParameterType.String, ParameterLocation.None, "The container's id.") { Required = true, Position = 1 },
            new Parameter("from", ParameterType.String, ParameterLocation.None, "The container's image.") { Position = 2 },
        ],
        Bind = a => new LogRequest(a.Required("action"), a.Required("id"), a.String("from")),
        Since = "gantry",
        Permission = "admin",
    };

    public static readonly Command<Nothing, SubscribersCount> Subscribers = new("subscribers_count", "Counts the readers of live events.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<SubscribersCount>(),
        Since = "gantry",
        Permission = "read",
    };

    public static void RegisterEventCommands(this Engine.Engine engine, EventJournal journal)
    {
        engine.Register(Events, (job, request, cancellation) => StreamAsync(journal, job, request, cancellation));
        engine.Register(Log, (_, request, _) =>
        {
            journal.Publish("container", request.Action, request.Id, request.From.Length == 0 ? [] : [new("image", request.From)]);
            return Task.FromResult(default(Nothing));
        });
        engine.Register(Subscribers, (_, _, _) => Task.FromResult(new SubscribersCount { Count = journal.Readers }));
    }

    private static EventsRequest Bind(CommandArguments arguments)
    {
        var request = new EventsRequest(
            EventTime.Parse("since", arguments.Find("since")),
            EventTime.Parse("until", arguments.Find("until")),
            Filters.Parse(arguments.Find("filters")));
        if (request is { Since: { } since, Until: { } until } && until < since)
            throw EngineException.InvalidParameter($"`since` time ({arguments.Find("since")}) cannot be after `until` time ({arguments.Find("until")})");
        return request;
    }

    private static async Task<Nothing> StreamAsync(EventJournal journal, Job job, EventsRequest request, CancellationToken cancellation)
    {
        // The place in the journal is taken before the client learns that it is subscribed: what it does next cannot be missed.
        long position = request.Since is { } since ? await journal.PositionBeforeAsync(since).ConfigureAwait(false) : journal.Last;
        await job.Output.StartAsync(cancellation).ConfigureAwait(false);

        var filter = new EventFilter(request.Filters);
        bool legacy = job.Client.ApiVersion < LegacyFieldsEnd;
        var buffer = new ArrayBufferWriter<byte>(1024);
        await foreach (var entry in journal.ReadAsync(position, request.Until, cancellation).ConfigureAwait(false))
        {
            if (!filter.Includes(entry.Message)) continue;
            buffer.ResetWrittenCount();
            Write(buffer, legacy ? WithLegacyFields(entry.Message) : entry.Message);
            await job.Output.WriteAsync(buffer.WrittenMemory, cancellation).ConfigureAwait(false);
        }
        return default;
    }

    private static readonly Version LegacyFieldsEnd = new(1, 52);

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static void Write(ArrayBufferWriter<byte> buffer, EventMessage message)
    {
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions)) JsonSerializer.Serialize(writer, message, WireJson.TypeInfo<EventMessage>());
        buffer.Write("\n"u8);
    }

    /// <summary>The fields by which clients below 1.52 know events of containers and images (golden 027, 032).</summary>
    internal static EventMessage WithLegacyFields(EventMessage message) => message.Type switch
    {
        "container" => message with { Status = message.Action, Id = message.Actor.ID, From = message.Actor.Attributes.GetValueOrDefault("image") },
        "image" => message with { Status = message.Action, Id = message.Actor.ID },
        _ => message,
    };
}
