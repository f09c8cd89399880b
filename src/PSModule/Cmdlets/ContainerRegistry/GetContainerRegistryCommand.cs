using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the registries that this user is connected with.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerRegistry")]
[OutputType(typeof(RegistrySession))]
public sealed class GetContainerRegistryCommand : AsyncCmdlet
{
    /// <summary>Registries, with wildcards. Default: all.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [SupportsWildcards]
    public string[] Server { get; set; } = ["*"];

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var file = CredentialFile.Default;
        foreach (string text in Server)
        {
            var found = RegistryQuery.Select(file.Servers(), text);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(text)) WriteError(RegistryQuery.Missing(text));
            foreach (string server in found)
            {
                await SubmitInOrderAsync(server, _ =>
                {
                    if (file.Find(server) is { } stored) WriteObject(new RegistrySession(stored));
                    return Task.CompletedTask;
                }, cancellation);
            }
        }
    }
}
