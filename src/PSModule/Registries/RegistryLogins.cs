using System.Management.Automation;
using Gantry.PowerShell.Cmdlets;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Registries;

/// <summary>Finds the login for a request: the one that was given, else the one that is stored for the registry.</summary>
internal static class RegistryLogins
{
    public static RegistryLogin Of(string server, PSCredential credential)
    {
        var plain = credential.GetNetworkCredential();
        string user = plain.Domain.Length > 0 ? $"{plain.Domain}\\{plain.UserName}" : plain.UserName;
        return new RegistryLogin(server, user, plain.Password, "");
    }

    /// <summary>Null when there is none. To be called on the pipeline's thread: a vault may ask for its password.</summary>
    /// <exception cref="ContainerEngineException">The store is broken, or its vault refuses.</exception>
    public static RegistryLogin? Find(AsyncCmdlet cmdlet, string server, PSCredential? given)
    {
        if (given is not null) return Of(server, given);
        var file = CredentialFile.Default;
        return file.Find(server) switch
        {
            null => null,
            { Vault.Length: > 0 } stored => Of(server, SecretVault.Read(cmdlet, stored.Vault, server)),
            _ => file.Open(server),
        };
    }

    /// <summary>The header for the registry of an image's name; null for none.</summary>
    /// <exception cref="ContainerEngineException">As <see cref="Find"/>.</exception>
    public static string? HeaderFor(AsyncCmdlet cmdlet, string image, PSCredential? given) => Find(cmdlet, RegistryName.OfImage(image), given)?.ToHeader();

    /// <summary>The same for one of several images: what is wrong with its login is its error, and the others go on.</summary>
    public static bool TryHeaderFor(AsyncCmdlet cmdlet, string image, PSCredential? given, out string? header)
    {
        try
        {
            header = HeaderFor(cmdlet, image, given);
            return true;
        }
        catch (ContainerEngineException e)
        {
            cmdlet.WriteError(ErrorRecords.From(e, image));
            header = null;
            return false;
        }
    }
}
