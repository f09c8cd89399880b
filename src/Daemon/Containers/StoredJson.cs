using System.Text.Json.Serialization;

namespace Gantry.Daemon.Containers;

/// <summary>How containers are kept in the database.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(ContainerRecord))]
[JsonSerializable(typeof(ContainerStatus))]
[JsonSerializable(typeof(NetworkStatus))]
internal sealed partial class StoredJson : JsonSerializerContext;
