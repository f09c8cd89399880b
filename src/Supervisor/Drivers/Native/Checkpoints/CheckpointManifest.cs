using System.Text.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native.Checkpoints;

/// <summary>What a restore has to know of a checkpoint beside criu's own images: what was the container's and yet not inside it.</summary>
public sealed record CheckpointManifest
{
    private const string FileName = "gantry.json";

    /// <summary>Inodes of the pipes that were the container's standard streams, as criu names them; 0 where there was none.</summary>
    public ulong StdinPipe { get; set; }
    public ulong StdoutPipe { get; set; }
    public ulong StderrPipe { get; set; }

    /// <summary>It was in a network namespace that the engine had made: it gets the new one.</summary>
    public bool OwnNetwork { get; set; }

    /// <summary>Mounts that came from outside.</summary>
    public List<ExternalMount> Mounts { get; set; } = [];

    public void Write(string directory) => File.WriteAllBytes(Path.Combine(directory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, SupervisorJson.Default.CheckpointManifest));

    /// <exception cref="DriverException">There is none: the directory is not a checkpoint of this engine.</exception>
    public static CheckpointManifest Read(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, FileName)), SupervisorJson.Default.CheckpointManifest) ?? throw new JsonException("empty");
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new DriverException(new Failure { Message = $"{directory} holds no checkpoint of this engine: {e.Message}" }, e);
        }
    }
}

/// <summary>A mount that criu is told not to look for inside the container.</summary>
/// <param name="Cookie">Its name in criu's images.</param>
/// <param name="Kind">What it is a mount of.</param>
/// <param name="Path">Where it is in the container.</param>
/// <param name="Detail">For <see cref="ExternalKind.Bind"/> the part of <paramref name="Path"/> below the bind's own destination; for <see cref="ExternalKind.Cgroup"/> the hierarchy's directory name.</param>
public sealed record ExternalMount(string Cookie, ExternalKind Kind, string Path, string Detail);

public enum ExternalKind
{
    /// <summary>A bind mount of the spec, or a mount below one.</summary>
    Bind,

    /// <summary>The container's own group of a hierarchy.</summary>
    Cgroup,

    /// <summary>The host's <c>/dev/null</c>, over a file that the container is not to read.</summary>
    Null,
}
