using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gantry.Daemon.Engine;

/// <summary>The arguments of one run as they came in: from an HTTP request, or as JSON values. A command's binder makes its typed request of them.</summary>
public abstract class CommandArguments
{
    /// <summary>No arguments at all.</summary>
    public static readonly CommandArguments None = new Empty();

    /// <summary>The first value given under a name, or null.</summary>
    public abstract string? Find(string name);

    public abstract IReadOnlyList<string> FindAll(string name);

    /// <summary>The JSON body as bytes; empty when there is none.</summary>
    protected abstract ReadOnlyMemory<byte> BodyBytes { get; }

    /// <summary>Length of the body in bytes; null when only its end will tell (chunked).</summary>
    public virtual long? BodyLength => BodyBytes.Length;

    public string String(string name) => Find(name) ?? "";

    public string Required(string name) =>
        Find(name) is { Length: > 0 } value ? value : throw EngineException.InvalidParameter($"the argument '{name}' is missing or empty");

    /// <summary>False for nothing, <c>0</c>, <c>no</c>, <c>false</c> and <c>none</c>, true for anything else (reference 4.4).</summary>
    public bool Boolean(string name, bool @default = false)
    {
        if (Find(name) is not { } text) return @default;
        text = text.Trim();
        return !(text is "" or "0"
            || text.Equals("no", StringComparison.OrdinalIgnoreCase)
            || text.Equals("false", StringComparison.OrdinalIgnoreCase)
            || text.Equals("none", StringComparison.OrdinalIgnoreCase));
    }

    public bool? OptionalBoolean(string name) => Find(name) is null ? null : Boolean(name);

    public int? Integer(string name)
    {
        if (Find(name) is not { Length: > 0 } text) return null;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw EngineException.InvalidParameter($"invalid value for '{name}': \"{text}\" is not a whole number");
    }

    /// <summary>The body as a wire type; null when it is empty or the JSON value null.</summary>
    public T? Body<T>(JsonTypeInfo<T> type) where T : class
    {
        if (BodyBytes.IsEmpty) return null;
        return RequestJson.Decode(BodyBytes.Span, type);
    }

    /// <summary>An argument that holds JSON text, such as <c>filters</c>.</summary>
    public JsonElement? Json(string name)
    {
        if (Find(name) is not { Length: > 0 } text) return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw EngineException.InvalidParameter($"invalid value for '{name}': it is not JSON", e);
        }
    }

    /// <summary>Names and short values for the log and for job listings; bodies and headers, which can hold credentials, are left out.</summary>
    public virtual IEnumerable<KeyValuePair<string, string>> Printable => [];

    private sealed class Empty : CommandArguments
    {
        public override string? Find(string name) => null;

        public override IReadOnlyList<string> FindAll(string name) => [];

        protected override ReadOnlyMemory<byte> BodyBytes => default;
    }
}
