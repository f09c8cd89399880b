using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Forgets the login for a registry.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "ContainerRegistry", SupportsShouldProcess = true)]
[Alias("Logout-ContainerRegistry")]
[OutputType(typeof(void))]
public sealed class DisconnectContainerRegistryCommand : AsyncCmdlet
{
    /// <summary>Registries, with wildcards. Default: Docker Hub.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Server { get; set; } = [RegistryName.Hub];

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (string text in Server)
        {
            var found = RegistryQuery.Select(CredentialFile.Default.Servers(), text);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(text)) WriteError(RegistryQuery.Missing(text));
            foreach (string server in found.Where(s => ShouldProcess(s, "Forget the login"))) await SubmitInOrderAsync(server, _ => ForgetAsync(server), cancellation);
        }
    }

    private Task ForgetAsync(string server)
    {
        var file = CredentialFile.Default;
        string vault = VaultOf(file, server);
        file.Remove(server);
        if (vault.Length > 0) SecretVault.Remove(this, vault, server);
        return Task.CompletedTask;
    }

    /// <summary>An entry that cannot be read any more can still be forgotten.</summary>
    private static string VaultOf(CredentialFile file, string server)
    {
        try
        {
            return file.Find(server)?.Vault ?? "";
        }
        catch (ContainerEngineException)
        {
            return "";
        }
    }
}
