using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Logs in to a registry, and remembers the login for later pulls and pushes.</summary>
[Cmdlet(VerbsCommunications.Connect, "ContainerRegistry")]
[Alias("Login-ContainerRegistry")]
[OutputType(typeof(RegistrySession))]
public sealed class ConnectContainerRegistryCommand : EngineCmdlet
{
    /// <summary>The registry: <c>localhost:5000</c>, <c>registry.example.com</c>. Default: Docker Hub.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [ValidateNotNullOrEmpty]
    public string Server { get; set; } = RegistryName.Hub;

    /// <summary>User and password, or user and access token.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>A vault of the module Microsoft.PowerShell.SecretManagement that is to keep the password. Default: an encrypted file of this user.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        string server = RegistryName.Of(Server);
        var session = await SessionForAsync(null, cancellation);
        await SubmitInOrderAsync(server, async token =>
        {
            var login = RegistryLogins.Of(server, Credential!);
            var answer = await session.Client.CheckRegistryAsync(login.ToConfig(), token);
            WriteVerbose(answer.Status);
            var file = CredentialFile.Default;
            if (Vault is null)
            {
                // An identity token takes the password's place: then the password is stored nowhere.
                file.Save(answer.IdentityToken.Length > 0 ? login with { Password = "", IdentityToken = answer.IdentityToken } : login);
            }
            else
            {
                SecretVault.Save(this, Vault, server, Credential!);
                file.SaveReference(server, Vault, login.UserName);
            }
            WriteObject(new RegistrySession(file.Find(server)!));
        }, cancellation);
    }
}
