using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Registries;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Images;
using Microsoft.Extensions.Logging.Abstractions;
using EngineType = Gantry.Daemon.Engine.Engine;

namespace Gantry.Unit.Images;

/// <summary>An engine with nothing but the image commands, on a data root of its own. Commands run as jobs, as a client's do.</summary>
internal sealed class ImageEngine : IAsyncDisposable
{
    private readonly TemporaryDirectory? ownRoot;

    private ImageEngine(TemporaryDirectory? ownRoot, string root, Database database, EngineType engine, ImageService images, RecordedEvents events)
    {
        this.ownRoot = ownRoot;
        Root = root;
        Database = database;
        Engine = engine;
        Images = images;
        Events = events;
    }

    public string Root { get; }

    public Database Database { get; }

    public EngineType Engine { get; }

    public ImageService Images { get; }

    public RecordedEvents Events { get; }

    /// <summary>Starts on a new root, or on one that an earlier engine has left.</summary>
    /// <param name="registries">How registries are reached. Tries are three, milliseconds apart.</param>
    public static async Task<ImageEngine> StartAsync(string? root = null, UnpackLimits? limits = null, RegistryAccess? registries = null, int downloads = 3, StorageDriver driver = StorageDriver.Overlay2)
    {
        var own = root is null ? new TemporaryDirectory() : null;
        root ??= own!.Path;
        var database = Database.Open(Path.Combine(root, "gantry.db"));
        var events = new RecordedEvents();
        var options = new ImageServiceOptions(root, "1.2.3") 
        {
            Limits = limits ?? UnpackLimits.Default,
            Driver = driver,
            Registries = registries,
            Retries = new RetryPolicy(3) { First = TimeSpan.FromMilliseconds(5) },
            Downloads = downloads,
        };
        var images = await ImageService.OpenAsync(options, database, events, NullLoggerFactory.Instance, CancellationToken.None);
        await images.Store.Cleaned;
        var engine = new EngineType(NullLogger<EngineType>.Instance);
        engine.RegisterImageCommands(images);
        return new ImageEngine(own, root, database, engine, images, events);
    }

    public IEnumerable<string> LayerNames => Directory.GetDirectories(Path.Combine(Root, "layers")).Select(d => Path.GetFileName(d));

    public IEnumerable<string> BlobNames => Directory.GetFiles(Path.Combine(Root, "content/blobs/sha256")).Select(f => Path.GetFileName(f));

    public Task<Answer> RunAsync(string command, params (string Name, string Value)[] arguments) => RunAsync(command, Stream.Null, arguments);

    public Task<Answer> RunAsync(string command, byte[] input, params (string Name, string Value)[] arguments) => RunAsync(command, new MemoryStream(input), arguments);

    public async Task<Answer> RunAsync(string command, Stream input, (string Name, string Value)[] arguments, string version = "1.51", CancellationToken cancellation = default, RecordedOutput? output = null)
    {
        output ??= new RecordedOutput();
        var client = new JobClient(Version.Parse(version), "test");
        var job = Engine.CreateJob(Engine.Find(command)!, client, input: input, output: output);
        var result = await Engine.RunAsync(job, new Arguments(arguments), cancellation);
        return new Answer(result, output);
    }

    /// <summary>Imports an archive and gives the image's id.</summary>
    public async Task<string> ImportAsync(byte[] archive, string repository = "", params string[] changes)
    {
        (string, string)[] arguments = [("fromSrc", "-"), ("repo", repository), .. changes.Select(c => ("changes", c))];
        var answer = await RunAsync("import", archive, arguments);
        return answer.Lines.Single().Status!;
    }

    /// <summary>The error that a command ends with.</summary>
    public async Task<EngineException> FailAsync(string command, byte[] input, params (string Name, string Value)[] arguments) =>
        await Assert.ThrowsAsync<EngineException>(() => RunAsync(command, input, arguments));

    public Task<EngineException> FailAsync(string command, params (string Name, string Value)[] arguments) => FailAsync(command, [], arguments);

    public async ValueTask DisposeAsync()
    {
        await Images.DisposeAsync();
        await Database.DisposeAsync();
        ownRoot?.Dispose();
    }

    internal sealed record Answer(CommandResult Result, RecordedOutput Output)
    {
        /// <summary>The lines of a progress stream.</summary>
        public List<ProgressMessage> Lines =>
            [.. Encoding.UTF8.GetString(Output.Bytes).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<ProgressMessage>(l)!)];

        /// <summary>The response as JSON text, as it goes over the wire.</summary>
        public string Json
        {
            get
            {
                using var stream = new MemoryStream();
                using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
                    Result.Body!.Write(writer);
                return Encoding.UTF8.GetString(stream.ToArray());
            }
        }

        public T Body<T>() => ((JsonBody<T>)Result.Body!).Value;
    }

    private sealed class Arguments((string Name, string Value)[] values) : CommandArguments
    {
        public override string? Find(string name) => values.LastOrDefault(v => v.Name == name).Value;

        public override IReadOnlyList<string> FindAll(string name) => [.. values.Where(v => v.Name == name).Select(v => v.Value)];

        protected override ReadOnlyMemory<byte> BodyBytes => default;
    }
}

/// <summary>Keeps a job's output.</summary>
internal sealed class RecordedOutput : JobOutput
{
    private readonly MemoryStream written = new();

    /// <summary>What was written so far. The job may still write.</summary>
    public byte[] Bytes
    {
        get
        {
            lock (written) return written.ToArray();
        }
    }

    public override ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    protected override ValueTask SendHeadAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    protected override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        lock (written) written.Write(data.Span);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Keeps events as <c>action id name=value,…</c>.</summary>
internal sealed class RecordedEvents : IEventPublisher
{
    private readonly List<string> events = [];

    public IReadOnlyList<string> All
    {
        get
        {
            lock (events) return [.. events];
        }
    }

    public void Publish(string type, string action, string actorId, IEnumerable<KeyValuePair<string, string>> attributes)
    {
        lock (events) events.Add($"{type} {action} {actorId} {string.Join(',', attributes.Select(a => $"{a.Key}={a.Value}"))}");
    }
}

/// <summary>Containers that tests say there are.</summary>
internal sealed class FixedUsage(params (string ImageId, ImageUser User)[] users) : IImageUsage
{
    public IReadOnlyList<ImageUser> UsersOf(string imageId) => [.. users.Where(u => u.ImageId == imageId).Select(u => u.User)];
}
