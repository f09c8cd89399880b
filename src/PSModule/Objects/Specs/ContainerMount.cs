using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>What is mounted.</summary>
public enum ContainerMountType
{
    /// <summary>A directory or file of the host.</summary>
    Bind,

    /// <summary>A volume, made when it does not exist.</summary>
    Volume,

    /// <summary>A file system in memory.</summary>
    Tmpfs,

    /// <summary>An image's file system, read-only.</summary>
    Image,

    /// <summary>A Windows pipe.</summary>
    Npipe,

    /// <summary>A cluster's volume.</summary>
    Cluster,
}

/// <summary>Something mounted in a container. Written as <c>type=bind,source=/srv,target=/data,readonly</c>, or short as <c>/srv:/data:ro</c> and <c>cache:/data</c>.</summary>
public sealed class ContainerMount
{
    public ContainerMount()
    {
    }

    /// <exception cref="FormatException">It is neither form.</exception>
    public ContainerMount(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('=', StringComparison.Ordinal)) ReadOptions(text);
        else ReadShort(text);
        if (Target.Length == 0) throw new FormatException($"The mount '{text}' has no target.");
    }

    public ContainerMountType Type { get; set; } = ContainerMountType.Volume;

    /// <summary>The host's path, the volume's name or the image; empty for an anonymous volume and for tmpfs.</summary>
    public string Source { get; set; } = "";

    /// <summary>The path in the container.</summary>
    public string Target { get; set; } = "";

    public bool ReadOnly { get; set; }

    /// <summary>Of a bind: <c>rprivate</c>, <c>private</c>, <c>rshared</c>, <c>shared</c>, <c>rslave</c> or <c>slave</c>.</summary>
    public string Propagation { get; set; } = "";

    /// <summary>Of a bind: make the host's directory when it is missing.</summary>
    public bool CreateSource { get; set; }

    /// <summary>Of a bind: without what is mounted below the source.</summary>
    public bool NonRecursive { get; set; }

    /// <summary>Of a volume: leave out the image's files at the target.</summary>
    public bool NoCopy { get; set; }

    /// <summary>Of a volume: its driver when it has to be made.</summary>
    public string Driver { get; set; } = "";

    /// <summary>Of a volume: the driver's options when it has to be made.</summary>
    public IDictionary? DriverOption { get; set; }

    /// <summary>Of a volume: labels when it has to be made.</summary>
    public IDictionary? Label { get; set; }

    /// <summary>Of a volume or image: a path in it.</summary>
    public string Subpath { get; set; } = "";

    /// <summary>Of a tmpfs: its limit in bytes; 0 is none.</summary>
    public long Size { get; set; }

    /// <summary>Of a tmpfs: its permission bits, as <c>chmod</c> writes them: <c>1777</c>.</summary>
    public string Mode { get; set; } = "";

    private void ReadShort(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0)) throw new FormatException($"'{text}' is not a mount: write source:target or source:target:ro.");
        Target = parts[^(parts.Length == 1 ? 1 : parts.Length - 1)];
        if (parts.Length == 1) return;
        Source = parts[0];
        Type = Source[0] is '/' or '.' or '~' ? ContainerMountType.Bind : ContainerMountType.Volume;
        foreach (string option in parts.Length == 3 ? parts[2].Split(',') : [])
        {
            if (option == "ro") ReadOnly = true;
            else if (option == "nocopy") NoCopy = true;
            else if (option.Contains("private", StringComparison.Ordinal) || option.Contains("shared", StringComparison.Ordinal) || option.Contains("slave", StringComparison.Ordinal)) Propagation = option;
            else if (option != "rw") throw new FormatException($"The mount '{text}' has the unknown option '{option}'.");
        }
    }

    private void ReadOptions(string text)
    {
        foreach (string part in text.Split(','))
        {
            int split = part.IndexOf('=', StringComparison.Ordinal);
            string key = (split < 0 ? part : part[..split]).Trim().ToLowerInvariant(), value = split < 0 ? "true" : part[(split + 1)..].Trim();
            Set(key, value, text);
        }
    }

    private void Set(string key, string value, string text)
    {
        switch (key)
        {
            case "type":
                Type = Enum.TryParse<ContainerMountType>(value, ignoreCase: true, out var type) ? type : throw new FormatException($"The mount '{text}' has the unknown type '{value}'.");
                break;
            case "source" or "src":
                Source = value;
                break;
            case "target" or "destination" or "dst":
                Target = value;
                break;
            case "readonly" or "ro":
                ReadOnly = Flag(value, text);
                break;
            case "bind-propagation":
                Propagation = value;
                break;
            case "bind-create-src":
                CreateSource = Flag(value, text);
                break;
            case "bind-nonrecursive":
                NonRecursive = Flag(value, text);
                break;
            case "bind-recursive":
                NonRecursive = value is "disabled";
                break;
            case "volume-nocopy":
                NoCopy = Flag(value, text);
                break;
            case "volume-driver":
                Driver = value;
                break;
            case "volume-opt":
                DriverOption = With(DriverOption, value);
                break;
            case "volume-label":
                Label = With(Label, value);
                break;
            case "volume-subpath" or "image-subpath":
                Subpath = value;
                break;
            case "tmpfs-size":
                Size = ByteSize.Parse(value);
                break;
            case "tmpfs-mode":
                Mode = value;
                break;
            default:
                throw new FormatException($"The mount '{text}' has the unknown option '{key}'.");
        }
    }

    private static Hashtable With(IDictionary? pairs, string text)
    {
        var table = pairs is null ? [] : new Hashtable(pairs);
        int split = text.IndexOf('=', StringComparison.Ordinal);
        table[split < 0 ? text : text[..split]] = split < 0 ? "" : text[(split + 1)..];
        return table;
    }

    private static bool Flag(string value, string text) => value.ToLowerInvariant() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw new FormatException($"The mount '{text}' has '{value}' where true or false belongs."),
    };

    internal static ContainerMount From(MountPoint mount) => new()
    {
        Type = Enum.TryParse<ContainerMountType>(mount.Type, ignoreCase: true, out var type) ? type : ContainerMountType.Bind,
        Source = mount.Name is { Length: > 0 } name ? name : mount.Source,
        Target = mount.Destination,
        ReadOnly = !mount.RW,
        Propagation = mount.Propagation,
        Driver = mount.Driver ?? "",
    };

    internal MountSpec ToWire() => new()
    {
        Type = Type.ToString().ToLowerInvariant(),
        Source = Source.Length == 0 ? null : Source,
        Target = Target,
        ReadOnly = ReadOnly,
        BindOptions = Type != ContainerMountType.Bind || (Propagation.Length == 0 && !CreateSource && !NonRecursive)
            ? null
            : new BindOptions { Propagation = Propagation.Length == 0 ? null : Propagation, CreateMountpoint = CreateSource, NonRecursive = NonRecursive },
        VolumeOptions = Type != ContainerMountType.Volume || (!NoCopy && Driver.Length == 0 && Label is null && Subpath.Length == 0 && DriverOption is null)
            ? null
            : new VolumeOptions
            {
                NoCopy = NoCopy,
                Labels = Specs.Pairs.ToSorted(Label),
                Subpath = Subpath.Length == 0 ? null : Subpath,
                DriverConfig = Driver.Length == 0 && DriverOption is null ? null : new VolumeDriverConfig { Name = Driver.Length == 0 ? null : Driver, Options = Specs.Pairs.ToSorted(DriverOption) },
            },
        ImageOptions = Type != ContainerMountType.Image || Subpath.Length == 0 ? null : new ImageMountOptions { Subpath = Subpath },
        TmpfsOptions = Type != ContainerMountType.Tmpfs || (Size == 0 && Mode.Length == 0) ? null : new TmpfsOptions { SizeBytes = Size, Mode = ParseMode() },
    };

    private uint ParseMode()
    {
        if (Mode.Length == 0) return 0;
        try
        {
            return Convert.ToUInt32(Mode, 8);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new PSArgumentException(string.Create(CultureInfo.InvariantCulture, $"The tmpfs mode '{Mode}' is not an octal number such as 1777."), e);
        }
    }

    /// <summary><c>/srv:/data:ro</c>.</summary>
    public override string ToString() => $"{(Source.Length > 0 ? Source : Type.ToString().ToLowerInvariant())}:{Target}{(ReadOnly ? ":ro" : "")}";
}
