using System.Management.Automation;
using Gantry.PowerShell.Cmdlets;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Registries;

/// <summary>Passwords in a vault of the module Microsoft.PowerShell.SecretManagement, by its commands. Works on the pipeline's thread alone.</summary>
internal static class SecretVault
{
    private static string NameOf(string server) => "Gantry:" + server;

    /// <exception cref="ContainerEngineException">There is no such module, or the vault refuses.</exception>
    public static void Save(AsyncCmdlet cmdlet, string vault, string server, PSCredential credential) =>
        Run(cmdlet, "Set-Secret", "param($name, $vault, $secret) Set-Secret -Name $name -Vault $vault -Secret $secret -ErrorAction Stop", NameOf(server), vault, credential);

    public static PSCredential Read(AsyncCmdlet cmdlet, string vault, string server) =>
        Run(cmdlet, "Get-Secret", "param($name, $vault) Get-Secret -Name $name -Vault $vault -ErrorAction Stop", NameOf(server), vault) is PSCredential credential
            ? credential
            : throw new ContainerEngineException(EngineErrorKind.Unauthorized, $"The vault {vault} has no credential for the registry {server}: connect with it again.");

    public static void Remove(AsyncCmdlet cmdlet, string vault, string server) =>
        Run(cmdlet, "Remove-Secret", "param($name, $vault) Remove-Secret -Name $name -Vault $vault -ErrorAction Stop", NameOf(server), vault);

    private static object? Run(AsyncCmdlet cmdlet, string command, string script, params object[] arguments)
    {
        if (cmdlet.InvokeCommand.GetCommand(command, CommandTypes.Cmdlet | CommandTypes.Function | CommandTypes.Alias) is null)
            throw new ContainerEngineException(EngineErrorKind.NotSupported, "There is no module Microsoft.PowerShell.SecretManagement here: install it, or leave -Vault out.");
        try
        {
            return cmdlet.InvokeCommand.InvokeScript(script, arguments).FirstOrDefault()?.BaseObject;
        }
        catch (RuntimeException e)
        {
            throw new ContainerEngineException(EngineErrorKind.AccessDenied, $"{command} failed: {e.Message}", e);
        }
    }
}
