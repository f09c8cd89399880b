using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Containers;

/// <summary>Fills what a create request leaves open with what its image says.</summary>
internal static class ImageDefaults
{
    /// <summary>The request's own values win; lists of environment, ports, volumes and labels are joined (reference B16).</summary>
    public static ContainerConfig Merge(ContainerConfig own, ContainerConfig image)
    {
        bool ownCommand = own.Cmd is { Count: > 0 }, ownEntrypoint = own.Entrypoint is not null;
        return own with
        {
            User = own.User.Length > 0 ? own.User : image.User,
            WorkingDir = own.WorkingDir.Length > 0 ? own.WorkingDir : image.WorkingDir,
            ExposedPorts = Join(own.ExposedPorts, image.ExposedPorts),
            Volumes = Join(own.Volumes, image.Volumes),
            Env = MergeVariables(own.Env, image.Env),
            Labels = MergeLabels(own.Labels, image.Labels),
            // A new entrypoint makes the image's command meaningless.
            Cmd = ownCommand || ownEntrypoint ? own.Cmd : image.Cmd,
            Entrypoint = ownEntrypoint ? own.Entrypoint : image.Entrypoint,
            Healthcheck = MergeHealth(own.Healthcheck, image.Healthcheck),
            StopSignal = own.StopSignal ?? image.StopSignal,
            StopTimeout = own.StopTimeout ?? image.StopTimeout,
            Shell = own.Shell ?? image.Shell,
        };
    }

    private static SortedDictionary<string, EmptyObject>? Join(SortedDictionary<string, EmptyObject>? own, SortedDictionary<string, EmptyObject>? image)
    {
        if (own is not { Count: > 0 }) return image;   // also null for an empty one, as inspect shows it
        if (image is not { Count: > 0 }) return own;
        var joined = new SortedDictionary<string, EmptyObject>(image, StringComparer.Ordinal);
        foreach (var (key, value) in own) joined[key] = value;
        return joined;
    }

    private static List<string>? MergeVariables(List<string>? own, List<string>? image)
    {
        if (own is null) return image is null ? null : [.. image];
        var merged = new List<string>(own);
        foreach (string entry in image ?? [])
        {
            string name = entry.Split('=', 2)[0];
            if (!own.Exists(o => o.Split('=', 2)[0] == name)) merged.Add(entry);
        }
        return merged;
    }

    private static SortedDictionary<string, string> MergeLabels(SortedDictionary<string, string>? own, SortedDictionary<string, string>? image)
    {
        var merged = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in image ?? []) merged[key] = value;
        foreach (var (key, value) in own ?? []) merged[key] = value;
        return merged;
    }

    private static HealthConfig? MergeHealth(HealthConfig? own, HealthConfig? image)
    {
        if (own is null) return image;
        if (image is null) return own;
        return own with
        {
            Test = own.Test is { Count: > 0 } ? own.Test : image.Test,
            Interval = own.Interval != 0 ? own.Interval : image.Interval,
            Timeout = own.Timeout != 0 ? own.Timeout : image.Timeout,
            StartPeriod = own.StartPeriod != 0 ? own.StartPeriod : image.StartPeriod,
            StartInterval = own.StartInterval != 0 ? own.StartInterval : image.StartInterval,
            Retries = own.Retries != 0 ? own.Retries : image.Retries,
        };
    }

    /// <summary>The program and its arguments. An entrypoint of one empty word clears the image's.</summary>
    /// <exception cref="EngineException">400: neither entrypoint nor command.</exception>
    public static (string Path, List<string> Args) CommandLine(ContainerConfig config)
    {
        var entrypoint = config.Entrypoint is [""] ? null : config.Entrypoint;
        List<string> words = [.. entrypoint ?? [], .. config.Cmd ?? []];
        if (words.Count == 0) throw EngineException.InvalidParameter("no command specified");
        return (words[0], words[1..]);
    }
}
