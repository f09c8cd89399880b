using System.Collections;
using System.Text.Json;

namespace Gantry.Daemon.Engine;

/// <summary>The names that the wire's types have in Docker's own sources, as its error messages show them.</summary>
internal static class GoTypes
{
    /// <summary>Fields whose Go type has a name of its own, by the end of their path.</summary>
    private static readonly Dictionary<string, string> Named = new(StringComparer.OrdinalIgnoreCase)
    {
        ["RestartPolicy.Name"] = "container.RestartPolicyMode", ["HostConfig.NetworkMode"] = "container.NetworkMode", ["HostConfig.IpcMode"] = "container.IpcMode",
        ["HostConfig.PidMode"] = "container.PidMode", ["HostConfig.UTSMode"] = "container.UTSMode", ["HostConfig.UsernsMode"] = "container.UsernsMode",
        ["HostConfig.CgroupnsMode"] = "container.CgroupnsMode", ["HostConfig.Isolation"] = "container.Isolation", ["ExposedPorts"] = "nat.PortSet",
        ["HostConfig.PortBindings"] = "nat.PortMap", ["Healthcheck.Interval"] = "time.Duration", ["Healthcheck.Timeout"] = "time.Duration",
        ["Healthcheck.StartPeriod"] = "time.Duration", ["Healthcheck.StartInterval"] = "time.Duration", ["Healthcheck"] = "container.HealthConfig",
    };

    /// <summary>The name before the first dot of a field's path: the request's Go type, or nothing where that embeds another.</summary>
    public static string Root(Type type) => type.Name switch
    {
        "ContainerCreateRequest" or "AuthConfig" => "",
        "ContainerUpdateRequest" => "UpdateConfig",
        "ExecCreateRequest" => "ExecOptions",
        "ExecStartRequest" => "ExecStartOptions",
        "NetworkCreateRequest" => "CreateRequest",
        "NetworkConnectRequest" => "ConnectOptions",
        "NetworkDisconnectRequest" => "DisconnectOptions",
        "VolumeCreateRequest" => "CreateOptions",
        var name => name,
    };

    public static string Name(Type type, List<string> path)
    {
        if (path.Count > 0 && (Named.GetValueOrDefault(string.Join('.', path.TakeLast(2))) ?? Named.GetValueOrDefault(path[^1])) is { } named) return named;
        if (path.Count >= 3 && path[^3].Equals("Mounts", StringComparison.OrdinalIgnoreCase) && path[^1].Equals("Type", StringComparison.OrdinalIgnoreCase)) return "mount.Type";
        return Name(type);
    }

    private static string Name(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "string";
        if (type == typeof(bool)) return "bool";
        if (type == typeof(long)) return "int64";
        if (type == typeof(int)) return "int";
        if (type == typeof(ulong)) return "uint64";
        if (type == typeof(uint)) return "uint";
        if (type == typeof(ushort)) return "uint16";
        if (type == typeof(double)) return "float64";
        if (type.IsArray) return "[]" + Name(type.GetElementType()!);
        Type[] arguments = type.GetGenericArguments();
        if (arguments.Length == 2 && typeof(IDictionary).IsAssignableFrom(type)) return $"map[{Name(arguments[0])}]{Name(arguments[1])}";
        if (arguments.Length == 1) return "[]" + Name(arguments[0]);
        if (type.Name == "EmptyObject") return "struct {}";
        return type.Name switch
        {
            "ContainerCreateRequest" => "container.CreateRequest",
            "PortBinding" => "nat.PortBinding",
            _ => $"{Package(type)}.{type.Name}",
        };
    }

    private static string Package(Type type) => type.Namespace?[(type.Namespace.LastIndexOf('.') + 1)..] switch
    {
        "Containers" => "container",
        "Images" => "image",
        "Networks" => "network",
        "Volumes" => "volume",
        "SystemInfo" => "system",
        var other => (other ?? "").ToLowerInvariant(),
    };

    public static bool IsNumber(Type type) =>
        type == typeof(long) || type == typeof(int) || type == typeof(ulong) || type == typeof(uint) || type == typeof(ushort) || type == typeof(double);

    /// <summary>Whether a scalar of the JSON text fits a type.</summary>
    public static bool Accepts(Type type, ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => type == typeof(string) || type == typeof(JsonElement) || !(IsNumber(type) || type == typeof(bool)),
        JsonTokenType.True or JsonTokenType.False => type == typeof(bool) || type == typeof(JsonElement),
        JsonTokenType.Number => type == typeof(JsonElement) || (IsNumber(type) && Fits(type, ref reader)),
        _ => type == typeof(JsonElement),
    };

    private static bool Fits(Type type, ref Utf8JsonReader reader) =>
        type == typeof(long) ? reader.TryGetInt64(out _)
        : type == typeof(int) ? reader.TryGetInt32(out _)
        : type == typeof(ulong) ? reader.TryGetUInt64(out _)
        : type == typeof(uint) ? reader.TryGetUInt32(out _)
        : type == typeof(ushort) ? reader.TryGetUInt16(out _)
        : reader.TryGetDouble(out _);
}
