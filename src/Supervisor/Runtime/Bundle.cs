using System.Text.Json;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;
using Gantry.Supervisor.Systemd;

namespace Gantry.Supervisor.Runtime;

/// <summary>A bundle, read and opened: its spec in the form that the native driver takes, and descriptors of what the spec names by paths.</summary>
internal sealed class Bundle : IDisposable
{
    private Bundle(string path, RuntimeSpec spec)
    {
        FilePath = path;
        Spec = spec;
    }

    public string FilePath { get; }

    public RuntimeSpec Spec { get; }

    public string RootPath { get; private set; } = "";

    public DetachedMount? Root { get; private set; }

    public Dictionary<int, Fd> MountSources { get; } = [];

    public Dictionary<string, Fd> Joins { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <exception cref="RuntimeException">It is not there, not valid, or asks for what this runtime cannot do.</exception>
    public static Bundle Read(string path)
    {
        string file = Path.Combine(path, "config.json");
        RuntimeSpec? spec;
        try
        {
            spec = JsonSerializer.Deserialize(File.ReadAllBytes(file), RuntimeJson.Default.RuntimeSpec);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RuntimeException($"JSON specification file {file} not found", e);
        }
        catch (JsonException e)
        {
            throw new RuntimeException($"{file} is not a valid specification: {e.Message}", e);
        }
        if (spec is null) throw new RuntimeException($"{file} is not a valid specification");
        Verify(spec);
        return new Bundle(Path.GetFullPath(path), spec);
    }

    private static void Verify(RuntimeSpec spec)
    {
        if (!spec.OciVersion.StartsWith("1.", StringComparison.Ordinal)) throw new RuntimeException($"version {spec.OciVersion} of the specification is not supported: 1.x is");
        if (spec.Root is null) throw new RuntimeException("root must be specified");
        if (spec.Process is not { Args.Count: > 0 } process) throw new RuntimeException("process.args must have a command");
        if (!process.Cwd.StartsWith('/')) throw new RuntimeException("process.cwd must be an absolute path");
        if (!spec.Linux.Namespaces.Exists(n => n.Type == "mount")) throw new RuntimeException("a container without a mount namespace of its own is not supported");
        if (spec.Linux.Namespaces.Exists(n => n is { Type: "mount", Path.Length: > 0 })) throw new RuntimeException("joining a mount namespace is not supported");
        if (spec.Linux.Namespaces.Exists(n => n.Type == "user") || spec.Linux.UidMappings is { Count: > 0 }) throw new RuntimeException("user namespaces are not supported");
        if (spec.Hooks is { CreateContainer.Count: > 0 } or { StartContainer.Count: > 0 }) throw new RuntimeException("hooks that run inside the container (createContainer, startContainer) are not supported");
        if (process.ApparmorProfile is { Length: > 0 } profile && !Directory.Exists("/sys/kernel/security/apparmor")) throw new RuntimeException($"AppArmor is not enabled on this host, so the profile \"{profile}\" cannot be applied");
        if (process.SelinuxLabel is { Length: > 0 } && !Directory.Exists("/sys/fs/selinux")) throw new RuntimeException("SELinux is not enabled on this host, so labels cannot be applied");
    }

    /// <summary>Opens the root file system, the sources of bind mounts and the namespaces to join.</summary>
    public void Open()
    {
        RootPath = Path.GetFullPath(Spec.Root!.Path, FilePath);
        if (!Directory.Exists(RootPath)) throw new RuntimeException($"root file system {RootPath} does not exist");
        Root = DetachedMount.Clone(RootPath, recursive: true);
        Root.SetAttributes(0, 0, MountPropagation.Private, recursive: true, $"make {RootPath} private");
        for (int i = 0; i < Spec.Mounts.Count; i++)
        {
            var mount = Spec.Mounts[i];
            if (!mount.Destination.StartsWith('/')) mount.Destination = "/" + mount.Destination;
            var options = MountOptions.Parse(mount.Options);
            if (options.Bind || mount.Type is "bind" or "rbind") MountSources[i] = OpenSource(mount, options);
        }
        foreach (var joined in Spec.Linux.Namespaces.Where(n => n.Path is { Length: > 0 })) Joins[joined.Type] = OpenFile.ReadOnly(joined.Path!);
    }

    private DetachedMount OpenSource(MountSpec mount, MountOptions options)
    {
        if (mount.Source is not { Length: > 0 } given) throw new RuntimeException($"mount {mount.Destination} has no source");
        string source = Path.GetFullPath(given, FilePath);
        mount.Source = source;
        mount.Type = Directory.Exists(source) ? "bind" : "file";
        var clone = DetachedMount.Clone(source, options.Recursive);
        try
        {
            // Private unless something else is asked for, as with mount(8)'s rprivate.
            var propagation = options.Propagation == 0 ? MountPropagation.Private : options.Propagation;
            clone.SetAttributes(0, 0, propagation, options.Propagation == 0 || options.PropagationRecursive, $"set the propagation of {mount.Destination}");
            if ((options.Set | options.Clear) != 0) clone.SetAttributes(options.Set, options.Clear, 0, recursive: false, $"set the attributes of {mount.Destination}");
            if ((options.SetRecursive | options.ClearRecursive) != 0) clone.SetAttributes(options.SetRecursive, options.ClearRecursive, 0, recursive: true, $"set the attributes of {mount.Destination}");
            return clone;
        }
        catch
        {
            clone.Dispose();
            throw;
        }
    }

    /// <summary>The container's group: an absolute path, one relative to the root, or the place of the scope that systemd's <c>SLICE:PREFIX:NAME</c> names.</summary>
    public static string CgroupPath(string? configured, string id)
    {
        if (string.IsNullOrEmpty(configured)) return "/gantry-runtime/" + id;
        if (Scope(configured) is { } scope) return $"{SliceName.PathOf(scope.Slice)}/{scope.Unit}";
        return configured.StartsWith('/') ? configured : "/" + configured;
    }

    /// <summary>The slice and the scope that a container is to have from systemd; null when its group is given as a path.</summary>
    /// <exception cref="RuntimeException">The slice's name is none.</exception>
    public static (string Slice, string Unit)? Scope(string? configured)
    {
        if (configured?.Split(':') is not { Length: 3 } parts) return null;
        string slice = parts[0].Length == 0 ? SliceName.System : parts[0];
        if (!SliceName.IsValid(slice)) throw new RuntimeException($"invalid slice name: {slice}");
        return (slice, $"{(parts[1].Length > 0 ? parts[1] + "-" : "")}{parts[2]}.scope");
    }

    public void Dispose()
    {
        Root?.Dispose();
        foreach (var fd in MountSources.Values) fd.Dispose();
        foreach (var fd in Joins.Values) fd.Dispose();
    }
}
