using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Images;
using Gantry.Protocol.Networks;
using Gantry.Protocol.SystemInfo;
using Gantry.Protocol.Volumes;

namespace Gantry.Protocol.Json;

/// <summary>Serialisation of everything on the wire, generated at build time.</summary>
/// <remarks>Like Go's decoder, reading ignores the case of field names and unknown fields; like Docker's encoder, writing escapes no HTML.</remarks>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(VersionResponse))]
[JsonSerializable(typeof(InfoResponse))]
[JsonSerializable(typeof(AuthConfig))]
[JsonSerializable(typeof(Dictionary<string, AuthConfig>))]
[JsonSerializable(typeof(AuthResponse))]
[JsonSerializable(typeof(DiskUsageResponse))]
[JsonSerializable(typeof(EventMessage))]
[JsonSerializable(typeof(SubscribersCount))]
[JsonSerializable(typeof(ContainerCreateRequest))]
[JsonSerializable(typeof(ContainerCreateResponse))]
[JsonSerializable(typeof(ContainerUpdateRequest))]
[JsonSerializable(typeof(ContainerUpdateResponse))]
[JsonSerializable(typeof(ContainerWaitResponse))]
[JsonSerializable(typeof(ContainerTopResponse))]
[JsonSerializable(typeof(List<ContainerChange>))]
[JsonSerializable(typeof(ContainersPruneResponse))]
[JsonSerializable(typeof(PathStat))]
[JsonSerializable(typeof(ContainerInspect))]
[JsonSerializable(typeof(List<ContainerSummary>))]
[JsonSerializable(typeof(ContainerStats))]
[JsonSerializable(typeof(ContainerConfig))]
[JsonSerializable(typeof(HostConfig))]
[JsonSerializable(typeof(ExecCreateRequest))]
[JsonSerializable(typeof(ExecStartRequest))]
[JsonSerializable(typeof(ExecInspect))]
[JsonSerializable(typeof(IdResponse))]
[JsonSerializable(typeof(CheckpointCreateRequest))]
[JsonSerializable(typeof(List<CheckpointSummary>))]
[JsonSerializable(typeof(List<ImageSummary>))]
[JsonSerializable(typeof(ImageInspect))]
[JsonSerializable(typeof(List<ImageHistoryItem>))]
[JsonSerializable(typeof(List<ImageDeleteItem>))]
[JsonSerializable(typeof(List<ImageSearchResult>))]
[JsonSerializable(typeof(ImagesPruneResponse))]
[JsonSerializable(typeof(ProgressMessage))]
[JsonSerializable(typeof(PushResult))]
[JsonSerializable(typeof(DistributionInspect))]
[JsonSerializable(typeof(BuildPruneResponse))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(List<Ulimit>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(ImageDocument))]
[JsonSerializable(typeof(OciManifest))]
[JsonSerializable(typeof(OciIndex))]
[JsonSerializable(typeof(OciPlatform))]
[JsonSerializable(typeof(List<DockerArchiveImage>))]
[JsonSerializable(typeof(SortedDictionary<string, SortedDictionary<string, string>>))]
[JsonSerializable(typeof(List<NetworkResource>))]
[JsonSerializable(typeof(AllocatedInterface))]
[JsonSerializable(typeof(AllocatedPort))]
[JsonSerializable(typeof(EndpointSettings))]
[JsonSerializable(typeof(Volume))]
[JsonSerializable(typeof(VolumeCreateRequest))]
[JsonSerializable(typeof(VolumeListResponse))]
[JsonSerializable(typeof(VolumesPruneResponse))]
[JsonSerializable(typeof(NetworksPruneResponse))]
[JsonSerializable(typeof(CommandDescription))]
[JsonSerializable(typeof(List<CommandDescription>))]
[JsonSerializable(typeof(JobDescription))]
[JsonSerializable(typeof(List<JobDescription>))]
[JsonSerializable(typeof(CommandRunRequest))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonNode))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(Dictionary<string, List<string>>))]
[JsonSerializable(typeof(Dictionary<string, Dictionary<string, bool>>))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
public sealed partial class WireJson : JsonSerializerContext
{
    /// <summary>The context to use: as generated, with an encoder that leaves non-ASCII and HTML characters alone.</summary>
    public static WireJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNameCaseInsensitive = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>The generated metadata of a wire type. It costs next to nothing until it is first used: naming a hundred types at start-up must not build them all.</summary>
    public static JsonTypeInfo<T> TypeInfo<T>() => Lazily<T>.Info;

    private static class Lazily<T>
    {
        public static readonly JsonTypeInfo<T> Info =
            (JsonTypeInfo<T>)(((IJsonTypeInfoResolver)Wire).GetTypeInfo(typeof(T), Wire.Options) ?? throw new NotSupportedException($"{typeof(T).Name} is not a wire type"));
    }
}
