using System.Text.Json;
using System.Text.Json.Serialization;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

/// <summary>What this runtime keeps of a container between its calls.</summary>
internal sealed record RuntimeState
{
    public string Id { get; set; } = "";
    public string Bundle { get; set; } = "";
    public string Root { get; set; } = "";
    public string Created { get; set; } = "";
    public bool Paused { get; set; }
    public SortedDictionary<string, string>? Annotations { get; set; }
    public ContainerState Container { get; set; } = new();
}

/// <summary>A container's state as the specification wants it told (OCI runtime specification, "State"); hooks get it on their standard input.</summary>
internal sealed record StateAnswer
{
    [JsonPropertyName("ociVersion")] public string OciVersion { get; set; } = "1.2.0";
    [JsonPropertyName("id")] public string Id { get; set; } = "";
    /// <summary><c>creating</c>, <c>created</c>, <c>running</c>, <c>paused</c> or <c>stopped</c>.</summary>
    [JsonPropertyName("status")] public string Status { get; set; } = "";
    [JsonPropertyName("pid")] public int Pid { get; set; }
    [JsonPropertyName("bundle")] public string Bundle { get; set; } = "";
    [JsonPropertyName("rootfs")] public string Root { get; set; } = "";
    [JsonPropertyName("created")] public string Created { get; set; } = "";
    [JsonPropertyName("owner")] public string Owner { get; set; } = "root";
    [JsonPropertyName("annotations")] public SortedDictionary<string, string>? Annotations { get; set; }
}

internal sealed record LogLine
{
    [JsonPropertyName("level")] public string Level { get; set; } = "error";
    [JsonPropertyName("msg")] public string Message { get; set; } = "";
    [JsonPropertyName("time")] public string Time { get; set; } = "";
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(RuntimeState))]
[JsonSerializable(typeof(StateAnswer))]
[JsonSerializable(typeof(List<StateAnswer>))]
[JsonSerializable(typeof(List<int>))]
[JsonSerializable(typeof(RuntimeSpec))]
[JsonSerializable(typeof(ProcessSpec))]
[JsonSerializable(typeof(ResourcesSpec))]
[JsonSerializable(typeof(RuntimeFeatures))]
internal sealed partial class RuntimeJson : JsonSerializerContext;

[JsonSerializable(typeof(LogLine))]
[JsonSerializable(typeof(string))]
internal sealed partial class RuntimeLogJson : JsonSerializerContext;

/// <summary>The containers below a root directory: one folder each, with its state and the fifo at which it waits for its start.</summary>
internal sealed class RuntimeStore(string root)
{
    public string Folder(string id) => Path.Combine(root, id);

    private string StateFile(string id) => Path.Combine(Folder(id), "state.json");

    /// <summary>There as long as the container has not been started.</summary>
    public string StartFifo(string id) => Path.Combine(Folder(id), "start");

    /// <exception cref="RuntimeException">The name is no name, or taken.</exception>
    public void Reserve(string id)
    {
        if (id.Length is 0 or > 1024 || id is "." or ".." || id.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '+' or '-' or '.'))) throw new RuntimeException("invalid container ID format");
        Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        using var parent = Linux.Files.DirectoryFd.Open(root);
        var made = parent.TryMakeDirectory(id, 0x1C9);
        if (!made.Succeeded) throw new RuntimeException(made.Errno == Errno.EEXIST ? "container with given ID already exists" : $"make {Folder(id)}: {made.Errno.Describe()}");
    }

    public bool Exists(string id) => File.Exists(StateFile(id));

    /// <exception cref="RuntimeException"><c>container does not exist</c>.</exception>
    public RuntimeState Read(string id)
    {
        try
        {
            if (id.Contains('/', StringComparison.Ordinal)) throw new RuntimeException("invalid container ID format");
            return JsonSerializer.Deserialize(File.ReadAllBytes(StateFile(id)), RuntimeJson.Default.RuntimeState)!;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            throw new RuntimeException("container does not exist", e);
        }
    }

    /// <summary>In one step: a reader sees the old state or the new.</summary>
    public void Write(RuntimeState state)
    {
        string file = StateFile(state.Id);
        File.WriteAllBytes(file + ".new", JsonSerializer.SerializeToUtf8Bytes(state, RuntimeJson.Default.RuntimeState));
        File.Move(file + ".new", file, overwrite: true);
    }

    public void Remove(string id)
    {
        if (Directory.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    public IEnumerable<RuntimeState> All() =>
        Directory.Exists(root) ? Directory.GetDirectories(root).Select(d => Path.GetFileName(d)).Where(Exists).Order(StringComparer.Ordinal).Select(Read) : [];

    public string StatusOf(RuntimeState state)
    {
        if (!IsAlive(state)) return "stopped";
        if (File.Exists(StartFifo(state.Id))) return "created";
        return state.Paused ? "paused" : "running";
    }

    /// <summary>A zombie that its parent has not reaped yet has ended too.</summary>
    public static bool IsAlive(RuntimeState state)
    {
        int pid = state.Container.Pid;
        if (pid == 0 || PidFd.StartTime(pid) != state.Container.PidStartTime) return false;
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..][0] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    public StateAnswer Answer(RuntimeState state)
    {
        string status = StatusOf(state);
        return new StateAnswer
        {
            Id = state.Id, Status = status, Pid = status == "stopped" ? 0 : state.Container.Pid, Bundle = state.Bundle, Root = state.Root, Created = state.Created, Annotations = state.Annotations,
        };
    }
}
