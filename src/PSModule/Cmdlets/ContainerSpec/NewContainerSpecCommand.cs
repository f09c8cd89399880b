using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes down what a container is to be, for New-Container and Invoke-ContainerImage. Asks no engine.</summary>
[Cmdlet(VerbsCommon.New, "ContainerSpec")]
[OutputType(typeof(ContainerSpec))]
public sealed class NewContainerSpecCommand : ContainerSpecCmdlet
{
    /// <summary>The image: an object, a name or an id.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public ImageReference? Image { get; set; }

    /// <summary>A spec to begin with; the other parameters go over it.</summary>
    [Parameter]
    [SpecTransformation]
    public ContainerSpec? Spec { get; set; }

    internal override Task ProcessAsync(CancellationToken cancellation)
    {
        Given.Image = Image?.Text;
        WriteObject(BuildSpec(Spec));
        return Task.CompletedTask;
    }
}
