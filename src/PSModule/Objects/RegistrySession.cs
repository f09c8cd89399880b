using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Objects;

/// <summary>A registry that this user is connected with. It does not hold the password.</summary>
public sealed class RegistrySession
{
    internal RegistrySession(StoredRegistry stored)
    {
        Server = stored.Server;
        UserName = stored.UserName;
        Vault = stored.Vault;
    }

    /// <summary>As image names begin: <c>localhost:5000</c>; <c>docker.io</c> is Docker Hub.</summary>
    public string Server { get; }

    public string UserName { get; }

    /// <summary>The SecretManagement vault that has the password; empty when it is in this user's own encrypted file.</summary>
    public string Vault { get; }

    public override string ToString() => Server;
}
