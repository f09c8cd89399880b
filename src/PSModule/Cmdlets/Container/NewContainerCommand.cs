using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes a container of an image, without starting it.</summary>
[Cmdlet(VerbsCommon.New, "Container", SupportsShouldProcess = true, DefaultParameterSetName = "Image")]
[OutputType(typeof(Container))]
public sealed class NewContainerCommand : ContainerSpecCmdlet
{
    /// <summary>The image: an object, a name or an id.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Image", ValueFromPipeline = true)]
    [Parameter(ParameterSetName = "Spec")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public ImageReference? Image { get; set; }

    /// <summary>A spec of New-ContainerSpec, or a hashtable with its properties; the other parameters go over it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Spec", ValueFromPipeline = true)]
    [SpecTransformation]
    public ContainerSpec? Spec { get; set; }

    /// <summary>Whether to pull the image.</summary>
    [Parameter]
    public ImagePullPolicy PullPolicy { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        Given.Image = Image?.Text;
        var spec = BuildSpec(Spec);
        var session = await SessionForAsync(Image?.Session, cancellation);
        if (!ShouldProcess(spec.Name is { Length: > 0 } name ? name : spec.Image ?? "", $"Create a container of {spec.Image}")) return;
        await SubmitInOrderAsync(spec.Name ?? spec.Image, async token => WriteObject(await ContainerCreation.CreateAsync(this, session, spec, PullPolicy, null, token)), cancellation);
    }
}
