using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gantry.Linux.Security;

/// <summary>A seccomp profile as <c>--security-opt seccomp=FILE</c> takes it: the OCI form, plus conditions that depend on the container and the machine.</summary>
public sealed class DockerSeccompProfile
{
    [JsonPropertyName("defaultAction")] public string DefaultAction { get; init; } = "";

    [JsonPropertyName("defaultErrnoRet")] public uint? DefaultErrnoRet { get; init; }

    [JsonPropertyName("architectures")] public IReadOnlyList<string>? Architectures { get; init; }

    /// <summary>Which other architectures' programs each machine runs. Not together with <see cref="Architectures"/>.</summary>
    [JsonPropertyName("archMap")] public IReadOnlyList<SeccompArchitectureMap>? ArchMap { get; init; }

    [JsonPropertyName("flags")] public IReadOnlyList<string>? Flags { get; init; }

    [JsonPropertyName("listenerPath")] public string? ListenerPath { get; init; }

    [JsonPropertyName("listenerMetadata")] public string? ListenerMetadata { get; init; }

    [JsonPropertyName("syscalls")] public IReadOnlyList<DockerSeccompRule>? Syscalls { get; init; }

    /// <summary>What containers get when nothing else is asked for: the calls that Docker 28.5 lets through (reference 5.13).</summary>
    public static DockerSeccompProfile Default { get; } = LoadDefault();

    /// <exception cref="SeccompException">It is not the JSON of a profile.</exception>
    public static DockerSeccompProfile Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SeccompJson.Default.DockerSeccompProfile) ?? throw new SeccompException("the seccomp profile is the JSON value null");
        }
        catch (JsonException e)
        {
            throw new SeccompException("the seccomp profile is not valid: " + e.Message, e);
        }
    }

    private readonly ConcurrentDictionary<SeccompConditions, SeccompProfile> resolved = new();

    /// <summary>The OCI form for one container. The same conditions give the same object again.</summary>
    /// <exception cref="SeccompException">The profile contradicts itself.</exception>
    public SeccompProfile Resolve(SeccompConditions conditions)
    {
        if (resolved.TryGetValue(conditions, out var known)) return known;
        var made = ResolveNew(conditions);
        if (resolved.Count < 64) resolved.TryAdd(conditions, made);
        return made;
    }

    private SeccompProfile ResolveNew(SeccompConditions conditions)
    {
        if (Architectures is { Count: > 0 } && ArchMap is { Count: > 0 })
            throw new SeccompException("a seccomp profile has either 'architectures' or 'archMap', not both");
        var rules = new List<SeccompRule>();
        foreach (var rule in Syscalls ?? [])
        {
            if (rule.Name is { Length: > 0 } && rule.Names is { Count: > 0 }) throw new SeccompException("a rule of a seccomp profile has either 'name' or 'names', not both");
            if (!rule.Applies(conditions)) continue;
            IReadOnlyList<string> names = rule.Names is { Count: > 0 } several ? several : rule.Name is { Length: > 0 } one ? [one] : [];
            rules.Add(new SeccompRule { Names = names, Action = rule.Action, ErrnoRet = rule.ErrnoRet, Args = rule.Args is { Count: > 0 } ? rule.Args : null });
        }
        return new SeccompProfile
        {
            DefaultAction = DefaultAction,
            DefaultErrnoRet = DefaultErrnoRet,
            Architectures = ArchitecturesOf(conditions),
            Flags = Flags,
            ListenerPath = ListenerPath,
            ListenerMetadata = ListenerMetadata,
            Syscalls = rules,
        };
    }

    private IReadOnlyList<string>? ArchitecturesOf(SeccompConditions conditions)
    {
        if (ArchMap is not { Count: > 0 } map) return Architectures;
        return map.FirstOrDefault(m => m.Architecture == conditions.SeccompArchitecture) is { } own ? [own.Architecture, .. own.SubArchitectures ?? []] : null;
    }

    private static DockerSeccompProfile LoadDefault()
    {
        using var stream = typeof(DockerSeccompProfile).Assembly.GetManifestResourceStream("default-seccomp.json")!;
        return JsonSerializer.Deserialize(stream, SeccompJson.Default.DockerSeccompProfile)!;
    }
}

/// <summary>A machine's architecture, and those whose programs it runs too.</summary>
public sealed record SeccompArchitectureMap
{
    [JsonPropertyName("architecture")] public string Architecture { get; init; } = "";

    [JsonPropertyName("subArchitectures")] public IReadOnlyList<string>? SubArchitectures { get; init; }
}

/// <summary>A rule with its conditions.</summary>
public sealed record DockerSeccompRule
{
    /// <summary>The old form with a single name.</summary>
    [JsonPropertyName("name")] public string? Name { get; init; }

    [JsonPropertyName("names")] public IReadOnlyList<string>? Names { get; init; }

    [JsonPropertyName("action")] public string Action { get; init; } = "";

    [JsonPropertyName("errnoRet")] public uint? ErrnoRet { get; init; }

    [JsonPropertyName("args")] public IReadOnlyList<SeccompArgument>? Args { get; init; }

    [JsonPropertyName("comment")] public string? Comment { get; init; }

    /// <summary>All of these must hold.</summary>
    [JsonPropertyName("includes")] public SeccompRuleConditions? Includes { get; init; }

    /// <summary>None of these may hold.</summary>
    [JsonPropertyName("excludes")] public SeccompRuleConditions? Excludes { get; init; }

    internal bool Applies(SeccompConditions c)
    {
        if (Excludes is { } no)
        {
            if (no.Arches?.Contains(c.Architecture) == true) return false;
            if (no.Caps?.Any(c.Has) == true) return false;
            if (no.MinKernel is { Length: > 0 } kernel && c.Kernel >= SeccompConditions.ParseKernel(kernel)) return false;
        }
        if (Includes is { } yes)
        {
            if (yes.Arches is { Count: > 0 } && !yes.Arches.Contains(c.Architecture)) return false;
            if (yes.Caps?.All(c.Has) == false) return false;
            if (yes.MinKernel is { Length: > 0 } kernel && c.Kernel < SeccompConditions.ParseKernel(kernel)) return false;
        }
        return true;
    }
}

public sealed record SeccompRuleConditions
{
    [JsonPropertyName("caps")] public IReadOnlyList<string>? Caps { get; init; }

    /// <summary>In Go's words: <c>amd64</c>, <c>arm64</c>.</summary>
    [JsonPropertyName("arches")] public IReadOnlyList<string>? Arches { get; init; }

    /// <summary><c>4.8</c>.</summary>
    [JsonPropertyName("minKernel")] public string? MinKernel { get; init; }
}

/// <summary>What a profile's conditions are measured against.</summary>
/// <param name="Capabilities">The container's bounding set.</param>
/// <param name="Architecture">In Go's words: <c>amd64</c>.</param>
/// <param name="Kernel">Major and minor.</param>
public sealed record SeccompConditions(CapabilitySet Capabilities, string Architecture, Version Kernel)
{
    private static readonly (string Go, string Seccomp) Machine = RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.Arm64 => ("arm64", "SCMP_ARCH_AARCH64"),
        System.Runtime.InteropServices.Architecture.S390x => ("s390x", "SCMP_ARCH_S390X"),
        System.Runtime.InteropServices.Architecture.Ppc64le => ("ppc64le", "SCMP_ARCH_PPC64LE"),
        System.Runtime.InteropServices.Architecture.LoongArch64 => ("loong64", "SCMP_ARCH_LOONGARCH64"),
        System.Runtime.InteropServices.Architecture.RiscV64 => ("riscv64", "SCMP_ARCH_RISCV64"),
        _ => ("amd64", "SCMP_ARCH_X86_64"),
    };

    private static readonly Version RunningKernel = ParseKernel(File.ReadAllText("/proc/sys/kernel/osrelease"));

    /// <summary>On this machine.</summary>
    public static SeccompConditions Here(CapabilitySet capabilities) => new(capabilities, Machine.Go, RunningKernel);

    internal string SeccompArchitecture => Machine.Seccomp;

    internal bool Has(string capability) => CapabilitySet.TryParse(capability, out var set) && set.Bits != 0 && Capabilities.ContainsAll(set);

    /// <summary>Major and minor of a release such as <c>6.18.44-fc</c>.</summary>
    internal static Version ParseKernel(string release)
    {
        string[] parts = release.Trim().Split('.', '-', '+', '_');
        return parts.Length >= 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int minor)
            ? new Version(major, minor)
            : throw new SeccompException($"\"{release.Trim()}\" is not a kernel version");
    }
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(DockerSeccompProfile))]
[JsonSerializable(typeof(SeccompProfile))]
public sealed partial class SeccompJson : JsonSerializerContext;
