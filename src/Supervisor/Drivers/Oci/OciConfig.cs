using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>Makes a <c>config.json</c> that any OCI runtime takes of the engine's own spec. A pure function.</summary>
internal static class OciConfig
{
    /// <param name="bound">Indices of mounts whose source is at <see cref="BundlePaths.Mount"/>, with its attributes set already.</param>
    /// <param name="joined">Types of namespaces to join, which are at <see cref="BundlePaths.Namespace"/>.</param>
    public static RuntimeSpec Translate(RuntimeSpec spec, BundlePaths paths, IReadOnlySet<int> bound, IReadOnlySet<string> joined)
    {
        var namespaces = spec.Linux.Namespaces.Select(n => joined.Contains(n.Type) ? n with { Path = paths.Namespace(n.Type) } : n).ToList();
        foreach (string type in joined)
        {
            if (!namespaces.Exists(n => n.Type == type)) namespaces.Add(new NamespaceSpec { Type = type, Path = paths.Namespace(type) });
        }
        bool ownNames = namespaces.Exists(n => n.Type == "uts" && n.Path is null);
        return spec with
        {
            OciVersion = "1.0.2",
            Root = (spec.Root ?? new RootSpec()) with { Path = paths.Root },
            Hostname = ownNames ? spec.Hostname : null,
            Domainname = null,   // runtimes of before 1.1 of the specification do not know it: a sysctl says the same to all
            Mounts = [.. spec.Mounts.Select((mount, index) => bound.Contains(index) ? Bind(mount, paths.Mount(index)) : mount with { Options = Settled(mount.Options) })],
            Linux = spec.Linux with
            {
                Namespaces = namespaces,
                Sysctl = ownNames && spec.Domainname is { Length: > 0 } domain ? With(spec.Linux.Sysctl, "kernel.domainname", domain) : spec.Linux.Sysctl,
            },
        };
    }

    /// <summary>Only what the source's own attributes do not say yet: its propagation, and read-only for the runtime's knowledge.</summary>
    private static MountSpec Bind(MountSpec mount, string source)
    {
        List<string> options = ["rbind"];
        foreach (string option in mount.Options ?? [])
        {
            if (option is "private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared" or "unbindable" or "runbindable" or "nosuid" or "nodev" or "noexec") options.Add(option);
            else if (option is "ro" or "rro") options.Add("ro");
        }
        return mount with { Type = "bind", Source = source, Options = options };
    }

    /// <summary>Of two options that contradict each other the later one counts; not every runtime sees that (crun 1.8).</summary>
    private static List<string>? Settled(List<string>? options)
    {
        if (options is null) return null;
        var settled = new List<string>();
        foreach (string option in options)
        {
            string opposite = option switch
            {
                "ro" => "rw",
                "rw" => "ro",
                "exec" or "suid" or "dev" or "diratime" => "no" + option,
                "noexec" or "nosuid" or "nodev" or "nodiratime" => option[2..],
                _ => option,
            };
            settled.RemoveAll(o => o == opposite);
            settled.Add(option);
        }
        return settled;
    }

    private static SortedDictionary<string, string> With(SortedDictionary<string, string>? sysctls, string name, string value) =>
        new(sysctls ?? [], StringComparer.Ordinal) { [name] = value };
}
