using System.Text.Json.Serialization;

namespace Gantry.Linux.Security;

/// <summary>The <c>linux.seccomp</c> object of an OCI runtime spec (<c>config-linux.md</c>, "Seccomp"). Names and actions are the spec's own words.</summary>
public sealed record SeccompProfile
{
    /// <summary><c>SCMP_ACT_…</c>: what becomes of a call that no rule names.</summary>
    [JsonPropertyName("defaultAction")] public string DefaultAction { get; init; } = "";

    /// <summary>The error number of a default action that has one; null is EPERM.</summary>
    [JsonPropertyName("defaultErrnoRet"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public uint? DefaultErrnoRet { get; init; }

    /// <summary><c>SCMP_ARCH_…</c>; null or empty is this machine's own.</summary>
    [JsonPropertyName("architectures"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<string>? Architectures { get; init; }

    /// <summary><c>SECCOMP_FILTER_FLAG_…</c>; null leaves the choice to the runtime, empty is none.</summary>
    [JsonPropertyName("flags"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<string>? Flags { get; init; }

    [JsonPropertyName("listenerPath"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? ListenerPath { get; init; }

    [JsonPropertyName("listenerMetadata"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? ListenerMetadata { get; init; }

    [JsonPropertyName("syscalls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<SeccompRule>? Syscalls { get; init; }
}

/// <summary>What becomes of some calls, if their arguments fit.</summary>
public sealed record SeccompRule
{
    [JsonPropertyName("names")] public IReadOnlyList<string> Names { get; init; } = [];

    [JsonPropertyName("action")] public string Action { get; init; } = "";

    [JsonPropertyName("errnoRet"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public uint? ErrnoRet { get; init; }

    /// <summary>All must fit; of several for one argument, one must.</summary>
    [JsonPropertyName("args"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<SeccompArgument>? Args { get; init; }
}

/// <param name="Index">0–5.</param>
/// <param name="Value">What the argument is compared with; the mask for <c>SCMP_CMP_MASKED_EQ</c>.</param>
/// <param name="ValueTwo">What the masked argument must be.</param>
/// <param name="Op"><c>SCMP_CMP_…</c>.</param>
public readonly record struct SeccompArgument(
    [property: JsonPropertyName("index")] uint Index,
    [property: JsonPropertyName("value")] ulong Value,
    [property: JsonPropertyName("valueTwo"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] ulong ValueTwo,
    [property: JsonPropertyName("op")] string Op);
