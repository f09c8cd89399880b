using System.Management.Automation;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gantry.PowerShell.Registries;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The logins that a build sends along: for the registries of the images that its Dockerfile names.</summary>
internal static partial class BuildLogins
{
    /// <summary>The value of <c>X-Registry-Config</c>; null when there is no login for any of them. To be called on the pipeline's thread.</summary>
    /// <param name="dockerfile">Its text; null when only the engine will see it: then Docker Hub alone counts.</param>
    /// <exception cref="Objects.ContainerEngineException">The store is broken, or its vault refuses.</exception>
    public static string? HeaderFor(AsyncCmdlet cmdlet, string? dockerfile, PSCredential? given)
    {
        var servers = new HashSet<string>(StringComparer.Ordinal) { RegistryName.Hub };
        foreach (Match match in Images().Matches(dockerfile ?? "")) servers.Add(RegistryName.OfImage(match.Groups[1].Value));
        var logins = new Dictionary<string, AuthConfig>(StringComparer.Ordinal);
        foreach (string server in servers)
        {
            if (RegistryLogins.Find(cmdlet, server, server == RegistryName.Hub && servers.Count > 1 ? null : given) is { } login) logins[RegistryName.Address(server)] = login.ToConfig();
        }
        if (logins.Count == 0) return null;
        return Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(logins, WireJson.TypeInfo<Dictionary<string, AuthConfig>>())).Replace('+', '-').Replace('/', '_');
    }

    [GeneratedRegex(@"^\s*(?:FROM\s+(?:--\S+\s+)*|(?:COPY|ADD)\s.*--from=)([^\s$]+)", RegexOptions.IgnoreCase | RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Images();
}
