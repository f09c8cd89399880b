using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>Turns seccomp options into the spec's form. Resolved profiles are kept: most containers share one.</summary>
/// <param name="engineProfile">The engine's own choice in place of the built-in profile: JSON text, <c>unconfined</c>, or null.</param>
internal sealed class SeccompProfiles(string? engineProfile)
{
    private const int Kept = 32;
    private readonly ConcurrentDictionary<(string Profile, ulong Capabilities), RawJson> resolved = new();

    /// <param name="profile">null: the default; <c>unconfined</c>; <c>builtin</c>; or a profile as JSON text.</param>
    /// <exception cref="EngineException">500 <c>Decoding seccomp profile failed: …</c>.</exception>
    public RawJson? Resolve(string? profile, IReadOnlyList<string> capabilities)
    {
        profile ??= engineProfile ?? "builtin";
        if (profile == SecurityOptions.Unconfined) return null;
        var set = CapabilitySet.Parse(capabilities);
        var key = (profile, set.Bits);
        if (resolved.TryGetValue(key, out var known)) return known;
        if (resolved.Count >= Kept) resolved.Clear();
        return resolved[key] = Build(profile, set);
    }

    /// <summary>What a valid JSON text is that is no object.</summary>
    private static string? NotAnObject(string profile)
    {
        if (GoJsonSyntax.Check(Encoding.UTF8.GetBytes(profile)) is not null) return null;
        return profile.TrimStart() switch { ['[', ..] => "array", ['"', ..] => "string", ['t' or 'f', ..] => "bool", ['-' or (>= '0' and <= '9'), ..] => "number", _ => null };
    }

    private static RawJson Build(string profile, CapabilitySet capabilities)
    {
        try
        {
            var parsed = profile == "builtin" ? DockerSeccompProfile.Default : DockerSeccompProfile.Parse(Encoding.UTF8.GetBytes(profile));
            return new RawJson(JsonSerializer.SerializeToUtf8Bytes(parsed.Resolve(SeccompConditions.Here(capabilities)), SeccompJson.Default.SeccompProfile));
        }
        catch (SeccompException) when (NotAnObject(profile) is { } kind)
        {
            throw EngineException.System($"Decoding seccomp profile failed: json: cannot unmarshal {kind} into Go value of type seccomp.Seccomp");
        }
        catch (SeccompException e)
        {
            throw EngineException.System("Decoding seccomp profile failed: " + (GoJsonSyntax.Check(Encoding.UTF8.GetBytes(profile)) ?? e.Message), e);
        }
    }
}
