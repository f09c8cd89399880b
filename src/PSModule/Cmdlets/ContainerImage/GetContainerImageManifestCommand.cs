using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what a registry has under a name, without pulling it.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImageManifest")]
[OutputType(typeof(ContainerImageManifest))]
public sealed class GetContainerImageManifestCommand : EngineCmdlet
{
    /// <summary>Names of images in their registries: <c>localhost:5000/team/web:1.2</c>. Without a tag it is <c>latest</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Image")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>User and password for the registry. Default: what Connect-ContainerRegistry has stored.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        foreach (string name in Name)
        {
            await SubmitInOrderAsync(name, async token =>
            {
                string? login = RegistryLogins.HeaderFor(this, name, Credential);
                WriteObject(new ContainerImageManifest(name, await session.Client.InspectRemoteImageAsync(name, login, token), session));
            }, cancellation);
        }
    }
}
