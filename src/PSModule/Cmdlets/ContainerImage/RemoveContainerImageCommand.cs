using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Takes names away from images, and removes images that have no name left.</summary>
[Cmdlet(VerbsCommon.Remove, "ContainerImage", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = "Image")]
[OutputType(typeof(ContainerImageRemoval))]
public sealed class RemoveContainerImageCommand : EngineCmdlet
{
    /// <summary>Images: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Image", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name", "Id", "ImageId")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ImageReference[] Image { get; set; } = [];

    /// <summary>Remove every image that no container uses: those without a name, or all with -All.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Unused")]
    public SwitchParameter Unused { get; set; }

    /// <summary>With -Unused: images with names too.</summary>
    [Parameter(ParameterSetName = "Unused")]
    public SwitchParameter All { get; set; }

    /// <summary>Do not ask; remove all names of an image that is named by its id, and images that stopped containers use.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Keep the images below it that have no name.</summary>
    [Parameter]
    public SwitchParameter NoPrune { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (Unused)
        {
            var session = await SessionForAsync(null, cancellation);
            foreach (string name in await UnusedAsync(session, cancellation)) await RemoveAsync(name, session, cancellation);
            return;
        }
        foreach (var reference in Image)
        {
            var session = await SessionForAsync(reference.Session, cancellation);
            var names = reference.IsPattern
                ? ImageQuery.Select(await ImageQuery.ListAsync(session, null, all: false, cancellation), reference.Text).Select(i => i.Name).ToList()
                : [reference.Text];
            foreach (string name in names) await RemoveAsync(name, session, cancellation);
        }
    }

    private async Task RemoveAsync(string name, EngineSession session, CancellationToken cancellation)
    {
        if (!Approve(name, "Remove image", Force)) return;
        await SubmitInOrderAsync(name, async token =>
        {
            foreach (var item in await session.Client.RemoveImageAsync(name, Force, NoPrune, token)) WriteObject(new ContainerImageRemoval(item));
        }, cancellation);
    }

    private async Task<List<string>> UnusedAsync(EngineSession session, CancellationToken cancellation)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in session.Client.ListContainersAsync(null, size: false, cancellation)) used.Add(row.ImageID);
        return [.. (await ImageQuery.ListAsync(session, null, all: false, cancellation)).Where(i => !used.Contains(i.Id) && (All || i.IsDangling)).Select(i => i.Name)];
    }
}
