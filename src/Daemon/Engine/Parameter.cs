using Gantry.Protocol.Engine;

namespace Gantry.Daemon.Engine;

public enum ParameterType
{
    String,
    Integer,
    Boolean,
    /// <summary>A list of strings: a repeated query value, or a JSON array.</summary>
    Strings,
    /// <summary>Seconds, with a fraction or without.</summary>
    Duration,
    /// <summary>A JSON object or list.</summary>
    Object,
    /// <summary>Bytes: the request's body, or the client's standard input.</summary>
    Stream,
}

public enum ParameterLocation
{
    None,
    Path,
    Query,
    Header,
    Body,
}

/// <summary>One argument of a command: its name on the wire, its type, and where the Docker API carries it.</summary>
public sealed record Parameter(string Name, ParameterType Type, ParameterLocation Location, string Description)
{
    public bool Required { get; init; }

    public string? Default { get; init; }

    /// <summary>May be given without its name on a command line, in this order; −1 is only by name.</summary>
    public int Position { get; init; } = -1;

    public static Parameter Path(string name, string description, int position = 0) =>
        new(name, ParameterType.String, ParameterLocation.Path, description) { Required = true, Position = position };

    public static Parameter Query(string name, ParameterType type, string description, string? @default = null) =>
        new(name, type, ParameterLocation.Query, description) { Default = @default };

    public static Parameter Header(string name, string description) => new(name, ParameterType.String, ParameterLocation.Header, description);

    public static Parameter Body(string name, string description, bool required = false) =>
        new(name, ParameterType.Object, ParameterLocation.Body, description) { Required = required };

    public static Parameter BodyStream(string name, string description) => new(name, ParameterType.Stream, ParameterLocation.Body, description);

    internal ParameterDescription Describe() => new()
    {
        Name = Name,
        Type = Type.ToString().ToLowerInvariant(),
        In = Location == ParameterLocation.None ? "" : Location.ToString().ToLowerInvariant(),
        Required = Required,
        Position = Position,
        Default = Default,
        Description = Description,
    };
}
