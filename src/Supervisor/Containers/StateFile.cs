using System.Text.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Containers;

/// <summary>What a supervisor needs to know of a container that it did not start: written at every start, for whoever comes after this process.</summary>
public sealed record ContainerState
{
    public string Container { get; set; } = "";
    public string Driver { get; set; } = "";
    public List<string>? Runtime { get; set; }
    public int Pid { get; set; }
    /// <summary>Clock ticks since boot: with <see cref="Pid"/> it names the process beyond doubt.</summary>
    public long PidStartTime { get; set; }
    /// <summary>The first process's parent, where a driver has one of its own; with the time of its start.</summary>
    public int MonitorPid { get; set; }
    public long MonitorStartTime { get; set; }
    /// <summary>Unix nanoseconds.</summary>
    public long StartedAt { get; set; }
    public string CgroupsPath { get; set; } = "";
    public List<NamespaceSpec> Namespaces { get; set; } = [];
    /// <summary>Of its user namespace, where it has one.</summary>
    public List<IdMappingSpec>? UidMappings { get; set; }
    /// <summary>Names; who may trace others is treated with care.</summary>
    public List<string>? Bounding { get; set; }
    public bool SharesPidNamespace { get; set; }
    public bool HasMemoryLimit { get; set; }
    public bool Terminal { get; set; }
    public StdioRequest Stdio { get; set; } = new();
    public LogRequest? Log { get; set; }
    public string ExitFile { get; set; } = "";
    /// <summary>Inodes of the pipes that are its standard streams; 0 for none, and for a terminal.</summary>
    public ulong StdinPipe { get; set; }
    public ulong StdoutPipe { get; set; }
    public ulong StderrPipe { get; set; }
    /// <summary>Destinations of mounts whose source is the host's.</summary>
    public List<string> Binds { get; set; } = [];
    /// <summary>As in <see cref="RunRequest.Note"/>.</summary>
    public string? Note { get; set; }
    /// <summary>Where the driver keeps its own files.</summary>
    public string StateDirectory { get; set; } = "";
}

public static class StateFile
{
    private const string Name = "state.json";

    public static void Write(string directory, ContainerState state)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllBytes(Path.Combine(directory, Name), JsonSerializer.SerializeToUtf8Bytes(state, SupervisorJson.Default.ContainerState));
    }

    /// <summary>Null when there is none, or when it is not whole.</summary>
    public static ContainerState? Read(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, Name)), SupervisorJson.Default.ContainerState);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    public static void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            // Nothing was written, or somebody else removes it.
        }
    }
}
