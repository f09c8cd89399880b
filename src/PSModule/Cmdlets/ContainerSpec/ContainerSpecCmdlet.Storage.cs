using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Its root and what is mounted in it.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>Mounts, each an object or a text such as <c>type=bind,source=/srv,target=/data</c>.</summary>
    [Parameter]
    public ContainerMount[]? Mount
    {
        get => Given.Mount;
        set => Given.Mount = value;
    }

    /// <summary>Mounts in the short form: <c>/srv:/data:ro</c>, <c>cache:/data</c>, <c>/data</c>.</summary>
    [Parameter]
    public string[]? Volume
    {
        get => Given.Volume;
        set => Given.Volume = value;
    }

    /// <summary>Containers whose mounts are taken over.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    public string[]? VolumeFrom
    {
        get => Given.VolumeFrom;
        set => Given.VolumeFrom = value;
    }

    /// <summary>File systems in memory: <c>/run</c>, <c>/run:size=64m</c>.</summary>
    [Parameter]
    public string[]? Tmpfs
    {
        get => Given.Tmpfs;
        set => Given.Tmpfs = value;
    }

    /// <summary>Make the root file system read-only.</summary>
    [Parameter]
    public SwitchParameter ReadOnly
    {
        get => Given.ReadOnly ?? false;
        set => Given.ReadOnly = value;
    }

    /// <summary>Size of /dev/shm in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? ShmSize
    {
        get => Given.ShmSize;
        set => Given.ShmSize = value;
    }

    /// <summary>Options of the storage driver.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? StorageOption
    {
        get => Given.StorageOption;
        set => Given.StorageOption = value;
    }
}
