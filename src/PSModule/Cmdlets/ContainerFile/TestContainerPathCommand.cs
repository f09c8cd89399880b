using System.Management.Automation;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>What a path may lead to.</summary>
public enum ContainerPathType
{
    /// <summary>Anything.</summary>
    Any,

    /// <summary>A directory, also through a link.</summary>
    Container,

    /// <summary>Anything but a directory.</summary>
    Leaf,
}

/// <summary>Tells whether paths exist in containers.</summary>
[Cmdlet(VerbsDiagnostic.Test, "ContainerPath")]
[OutputType(typeof(bool))]
public sealed class TestContainerPathCommand : ContainerCmdlet
{
    private const uint DirectoryBit = 1u << 31, LinkBit = 1u << 27;

    /// <summary>Paths in the container.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>What the path must lead to: Any, Container (a directory) or Leaf (anything else), as with Test-Path.</summary>
    [Parameter]
    [Alias("Type")]
    public ContainerPathType PathType { get; set; } = ContainerPathType.Any;

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        foreach (string path in Path) WriteObject(await TestAsync(target, path, cancellation));
    }

    private async Task<bool> TestAsync(ContainerTarget target, string path, CancellationToken cancellation)
    {
        var stat = await target.Client.FindPathAsync(target.Id, path, cancellation);
        if (stat is not null && (stat.Mode & LinkBit) != 0) stat = await target.Client.FindPathAsync(target.Id, stat.LinkTarget, cancellation);
        if (stat is null) return false;
        bool isDirectory = (stat.Mode & DirectoryBit) != 0;
        return PathType switch
        {
            ContainerPathType.Container => isDirectory,
            ContainerPathType.Leaf => !isDirectory,
            _ => true,
        };
    }
}
