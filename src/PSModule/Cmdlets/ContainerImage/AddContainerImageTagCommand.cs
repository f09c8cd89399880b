using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Gives an image another name.</summary>
[Cmdlet(VerbsCommon.Add, "ContainerImageTag", SupportsShouldProcess = true)]
[Alias("Tag-ContainerImage")]
[OutputType(typeof(ContainerImage))]
public sealed class AddContainerImageTagCommand : EngineCmdlet
{
    /// <summary>The image: an object, a name or an id.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name", "Id", "ImageId")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public ImageReference? Image { get; set; }

    /// <summary>The new name's repository; it may have the tag behind a colon: <c>registry:5000/team/web:1.2</c>.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Repository { get; set; } = "";

    /// <summary>The new tag. Default: <c>latest</c>.</summary>
    [Parameter(Position = 2)]
    [ValidateNotNullOrEmpty]
    public string? Tag { get; set; }

    /// <summary>Give the image back under its new name.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var name = ImageName.Parse(Repository);
        string tag = Tag ?? name.Tag ?? ImageName.DefaultTag, wanted = $"{name.Repository}:{tag}";
        var session = await SessionForAsync(Image!.Session, cancellation);
        if (!ShouldProcess(Image.Text, $"Tag as {wanted}")) return;
        await SubmitInOrderAsync(Image.Text, async token =>
        {
            await session.Client.TagImageAsync(Image.Id is not null && Image.Text.Contains('@', StringComparison.Ordinal) ? Image.Id : Image.Text, name.Repository, tag, token);
            if (PassThru) WriteObject(await ImageQuery.FindAsync(session, wanted, token), true);
        }, cancellation);
    }
}
