using System.Management.Automation;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of cmdlets that bring images in from somewhere, or make them, which can last.</summary>
public abstract class ImageTransferCmdlet : EngineCmdlet, IRunsAsJob
{
    [Parameter]
    public SwitchParameter AsJob { get; set; }
}

/// <summary>The base of those that speak with registries.</summary>
public abstract class RegistryTransferCmdlet : ImageTransferCmdlet
{
    /// <summary>User and password for the registry. Default: what Connect-ContainerRegistry has stored.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Does the work for one image, or keeps it for the job, with the login for the image's registry; unless it is not wanted, or its login is broken.</summary>
    /// <param name="image">Its name, and the target of errors.</param>
    /// <param name="action">What is going to be done with it, for the one who is asked.</param>
    /// <param name="work">Given the value of <c>X-Registry-Auth</c>; null for none.</param>
    private protected async Task SubmitTransferAsync(string image, string action, Func<string?, CancellationToken, Task> work, CancellationToken cancellation)
    {
        if (!ShouldProcess(image, action)) return;
        if (!RegistryLogins.TryHeaderFor(this, image, Credential, out string? login)) return;   // now: a job could not ask a vault
        await SubmitInOrderAsync(image, token => work(login, token), cancellation);
    }
}
