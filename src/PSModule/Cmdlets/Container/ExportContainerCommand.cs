using System.Management.Automation;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes the root file systems of containers into tar files.</summary>
[Cmdlet(VerbsData.Export, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportContainerCommand : ContainerCmdlet, IRunsAsJob
{
    /// <summary>The file to write; a directory gets a file named after the container.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Replace a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Change => $"Export to {Path}";

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        string file = ArchiveFile.Resolve(this, Path, target + ".tar");
        if (!ArchiveFile.MayWrite(this, file, Force)) return;
        using var response = await target.Client.OpenExportAsync(target.Id, cancellation);
        if (await ArchiveFile.SaveAsync(this, response, file, $"Exporting {target}", cancellation) is { } written) WriteObject(written);
    }
}
