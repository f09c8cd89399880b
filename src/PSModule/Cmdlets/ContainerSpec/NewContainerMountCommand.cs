using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes a mount for -Mount. Asks no engine.</summary>
[Cmdlet(VerbsCommon.New, "ContainerMount", DefaultParameterSetName = "Volume")]
[OutputType(typeof(ContainerMount))]
public sealed class NewContainerMountCommand : PSCmdlet
{
    /// <summary>The path in the container.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Target { get; set; } = "";

    /// <summary>A directory or file of the host.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Bind")]
    [ValidateNotNullOrEmpty]
    public string? BindSource { get; set; }

    /// <summary>The name of a volume. Default: a new one without a name.</summary>
    [Parameter(ParameterSetName = "Volume")]
    public string? Volume { get; set; }

    /// <summary>A file system in memory.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Tmpfs")]
    public SwitchParameter Tmpfs { get; set; }

    /// <summary>An image whose files are mounted, read-only.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Image")]
    [ValidateNotNullOrEmpty]
    public string? Image { get; set; }

    /// <summary>The container may not write there.</summary>
    [Parameter(ParameterSetName = "Bind")]
    [Parameter(ParameterSetName = "Volume")]
    public SwitchParameter ReadOnly { get; set; }

    /// <summary>How mounts travel between host and container.</summary>
    [Parameter(ParameterSetName = "Bind")]
    [ValidateSet("rprivate", "private", "rshared", "shared", "rslave", "slave")]
    public string? Propagation { get; set; }

    /// <summary>Make the host's directory when it is missing.</summary>
    [Parameter(ParameterSetName = "Bind")]
    public SwitchParameter CreateSource { get; set; }

    /// <summary>Without what is mounted below the source.</summary>
    [Parameter(ParameterSetName = "Bind")]
    public SwitchParameter NonRecursive { get; set; }

    /// <summary>Leave out the image's files at the target.</summary>
    [Parameter(ParameterSetName = "Volume")]
    public SwitchParameter NoCopy { get; set; }

    /// <summary>The volume's driver when it has to be made.</summary>
    [Parameter(ParameterSetName = "Volume")]
    public string? Driver { get; set; }

    /// <summary>The driver's options when the volume has to be made.</summary>
    [Parameter(ParameterSetName = "Volume")]
    [PairsTransformation]
    public IDictionary? DriverOption { get; set; }

    /// <summary>The volume's labels when it has to be made.</summary>
    [Parameter(ParameterSetName = "Volume")]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>A path in the volume or image.</summary>
    [Parameter(ParameterSetName = "Volume")]
    [Parameter(ParameterSetName = "Image")]
    public string? Subpath { get; set; }

    /// <summary>The limit of a tmpfs in bytes.</summary>
    [Parameter(ParameterSetName = "Tmpfs")]
    [ByteSizeTransformation]
    public long Size { get; set; }

    /// <summary>The permission bits of a tmpfs: <c>1777</c>.</summary>
    [Parameter(ParameterSetName = "Tmpfs")]
    [ValidatePattern("^[0-7]{3,4}$")]
    public string? Mode { get; set; }

    protected override void ProcessRecord() => WriteObject(new ContainerMount
    {
        Type = ParameterSetName switch { "Bind" => ContainerMountType.Bind, "Tmpfs" => ContainerMountType.Tmpfs, "Image" => ContainerMountType.Image, _ => ContainerMountType.Volume },
        Source = BindSource is not null ? SessionState.Path.GetUnresolvedProviderPathFromPSPath(BindSource) : Image ?? Volume ?? "",
        Target = Target,
        ReadOnly = ReadOnly,
        Propagation = Propagation ?? "",
        CreateSource = CreateSource,
        NonRecursive = NonRecursive,
        NoCopy = NoCopy,
        Driver = Driver ?? "",
        DriverOption = DriverOption,
        Label = Label,
        Subpath = Subpath ?? "",
        Size = Size,
        Mode = Mode ?? "",
    });
}
