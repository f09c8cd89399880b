using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gantry.Supervisor.Protocol;

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Request))]
[JsonSerializable(typeof(Reply))]
[JsonSerializable(typeof(RuntimeSpec))]
[JsonSerializable(typeof(ExitNotice))]
[JsonSerializable(typeof(Containers.ContainerState))]
[JsonSerializable(typeof(Drivers.Native.Checkpoints.CheckpointManifest))]
[JsonSerializable(typeof(SeccompSpec))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class SupervisorJson : JsonSerializerContext;
