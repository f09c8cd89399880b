using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes images into one archive that Import-ContainerImage, docker load and skopeo read.</summary>
[Cmdlet(VerbsData.Export, "ContainerImage", SupportsShouldProcess = true)]
[Alias("Save-ContainerImage")]
[OutputType(typeof(FileInfo))]
public sealed class ExportContainerImageCommand : ImageCmdlet, IRunsAsJob
{
    private readonly List<ImageTarget> images = [];

    /// <summary>The file to write; a directory gets a file named after the first image.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Replace a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool MayChange(ImageTarget target)
    {
        if (ShouldProcess(target.Name, $"Export to {Path}")) images.Add(target);
        return false;   // all of them go into one archive, at the end
    }

    private protected override Task ActAsync(ImageTarget target, CancellationToken cancellation) => Task.CompletedTask;

    internal override async Task EndAsync(CancellationToken cancellation)
    {
        foreach (var engine in images.GroupBy(i => i.Session))
        {
            string[] names = [.. engine.Select(i => i.Name).Distinct(StringComparer.Ordinal)];
            await SubmitInOrderAsync(string.Join(", ", names), token => SaveAsync(engine.Key, names, token), cancellation);
        }
    }

    private async Task SaveAsync(EngineSession session, string[] names, CancellationToken cancellation)
    {
        string file = ArchiveFile.Resolve(this, Path, names[0].Replace('/', '_') + ".tar");
        if (!ArchiveFile.MayWrite(this, file, Force)) return;
        using var response = await session.Client.OpenImagesAsync(names, cancellation);
        if (await ArchiveFile.SaveAsync(this, response, file, $"Exporting {string.Join(", ", names)}", cancellation) is { } written) WriteObject(written);
    }
}
