using System.Text;
using System.Text.Json;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Registries;

/// <summary>Who somebody is at a registry.</summary>
/// <param name="Server">See <see cref="RegistryName"/>.</param>
/// <param name="IdentityToken">Stands for the password where the registry gave one; empty where it did not.</param>
internal sealed record RegistryLogin(string Server, string UserName, string Password, string IdentityToken)
{
    /// <summary>The value of <c>X-Registry-Auth</c>: JSON in base64 for URLs (reference 4.8).</summary>
    public string ToHeader() => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(ToConfig(), WireJson.TypeInfo<AuthConfig>())).Replace('+', '-').Replace('/', '_');

    public AuthConfig ToConfig() => IdentityToken.Length > 0
        ? new AuthConfig { IdentityToken = IdentityToken, ServerAddress = RegistryName.Address(Server) }
        : new AuthConfig { Username = UserName, Password = Password, ServerAddress = RegistryName.Address(Server) };

    public byte[] ToBytes() =>
        JsonSerializer.SerializeToUtf8Bytes(new AuthConfig { Username = UserName, Password = Password, IdentityToken = IdentityToken }, WireJson.TypeInfo<AuthConfig>());

    public static RegistryLogin Parse(string server, ReadOnlySpan<byte> bytes)
    {
        var config = JsonSerializer.Deserialize(bytes, WireJson.TypeInfo<AuthConfig>());
        return new RegistryLogin(server, config?.Username ?? "", config?.Password ?? "", config?.IdentityToken ?? "");
    }

    /// <summary>Never the password.</summary>
    public override string ToString() => new StringBuilder(UserName).Append('@').Append(Server).ToString();
}

/// <summary>One line of the file of registries.</summary>
/// <param name="Vault">The SecretManagement vault that has the password; empty when the file has it.</param>
internal sealed record StoredRegistry(string Server, string UserName, string Vault);
