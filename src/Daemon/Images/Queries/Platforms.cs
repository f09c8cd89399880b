using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Queries;

/// <summary>What an image runs on, as users write it: <c>linux/arm64/v8</c>, <c>arm64</c>, <c>linux</c>; and as JSON in newer API parameters.</summary>
internal static partial class Platforms
{
    private static readonly HashSet<string> Systems = new(StringComparer.Ordinal)
    {
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos",
    };

    private static readonly HashSet<string> Architectures = new(StringComparer.Ordinal)
    {
        "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le",
        "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
    };

    /// <summary>This machine.</summary>
    public static OciPlatform Host { get; } = new()
    {
        Os = "linux",
        Architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
    };

    /// <exception cref="EngineException">400, in the words of containerd's parser.</exception>
    public static OciPlatform Parse(string text)
    {
        string[] parts = text.Split('/', 4);
        for (int i = 0; i < parts.Length; i++)
        {
            if (!Component.IsMatch(parts[i]))
                throw EngineException.InvalidParameter($"{GoText.Quote(parts[i])} is an invalid component of {GoText.Quote(text)}: platform specifier component must match \"{Component}\": invalid argument");
        }
        switch (parts)
        {
            case [var one]:
                if (Systems.Contains(System(one))) return new OciPlatform { Os = System(one), Architecture = Host.Architecture };
                var known = Normalized(one, "");
                if (!Architectures.Contains(known.Architecture)) throw EngineException.InvalidParameter($"{GoText.Quote(text)}: unknown operating system or architecture: invalid argument");
                return WithoutDefault(known with { Os = Host.Os });
            case [var system, var architecture]:
                return WithoutDefault(Normalized(architecture, "") with { Os = System(system) });
            case [var system, var architecture, var variant]:
                var platform = Normalized(architecture, variant) with { Os = System(system) };
                return platform is { Architecture: "arm64", Variant: null } ? platform with { Variant = "v8" } : platform;
            default:
                throw EngineException.InvalidParameter($"{GoText.Quote(text)}: cannot parse platform specifier: invalid argument");
        }
    }

    /// <summary>Reads the JSON form; null for an empty parameter.</summary>
    /// <exception cref="EngineException">400.</exception>
    public static OciPlatform? ParseJson(string text)
    {
        if (text.Length == 0) return null;
        OciPlatform? platform;
        try
        {
            platform = JsonSerializer.Deserialize(text, WireJson.TypeInfo<OciPlatform>());
        }
        catch (JsonException e)
        {
            throw EngineException.InvalidParameter("failed to parse platform: " + e.Message, e);
        }
        return platform is { Os.Length: > 0, Architecture.Length: > 0 } ? platform : throw EngineException.InvalidParameter("both OS and Architecture must be provided");
    }

    /// <summary><c>linux/arm64/v8</c>.</summary>
    public static string Format(string os, string architecture, string? variant) =>
        string.IsNullOrEmpty(variant) ? $"{os}/{architecture}" : $"{os}/{architecture}/{variant}";

    public static bool Matches(OciPlatform wanted, string os, string architecture, string? variant) =>
        wanted.Os == os && wanted.Architecture == architecture && (string.IsNullOrEmpty(wanted.Variant) || wanted.Variant == variant);

    private static string System(string text) => text.ToLowerInvariant() is var os && os == "macos" ? "darwin" : text.ToLowerInvariant();

    private static OciPlatform WithoutDefault(OciPlatform platform) => platform is { Architecture: "arm", Variant: "v7" } ? platform with { Variant = null } : platform;

    private static OciPlatform Normalized(string architecture, string variant)
    {
        (architecture, variant) = (architecture.ToLowerInvariant(), variant.ToLowerInvariant());
        (architecture, variant) = (architecture, variant) switch
        {
            ("i386", _) => ("386", ""),
            ("x86_64" or "x86-64" or "amd64", "v1") => ("amd64", ""),
            ("x86_64" or "x86-64", _) => ("amd64", variant),
            ("aarch64" or "arm64", "8" or "v8") => ("arm64", ""),
            ("aarch64", _) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" or "7") => ("arm", "v7"),
            ("arm", "5" or "6" or "8") => ("arm", "v" + variant),
            _ => (architecture, variant),
        };
        return new OciPlatform { Architecture = architecture, Variant = variant.Length > 0 ? variant : null };
    }

    [GeneratedRegex("^[A-Za-z0-9_.-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Component { get; }
}
