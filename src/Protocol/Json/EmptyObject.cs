namespace Gantry.Protocol.Json;

/// <summary>The value of a JSON set: <c>{"80/tcp": {}}</c>.</summary>
public sealed record EmptyObject
{
    public static readonly EmptyObject Value = new();
}
