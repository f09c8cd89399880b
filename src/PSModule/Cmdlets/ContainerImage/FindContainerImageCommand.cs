using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Looks for images in a registry.</summary>
[Cmdlet(VerbsCommon.Find, "ContainerImage")]
[Alias("Search-ContainerImage")]
[OutputType(typeof(ContainerImageSearchResult))]
public sealed class FindContainerImageCommand : EngineCmdlet
{
    /// <summary>Words to look for; a private registry without a search of its own finds names that contain it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public string[] Query { get; set; } = [];

    /// <summary>The registry to look in. Default: Docker Hub, or the one that the query begins with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Server { get; set; }

    /// <summary>Most results, 1 to 100. Default: 25.</summary>
    [Parameter]
    [ValidateRange(1, 100)]
    public int Limit { get; set; } = 25;

    /// <summary>Only those of Docker's own selection.</summary>
    [Parameter]
    public SwitchParameter Official { get; set; }

    /// <summary>Only those with at least so many stars.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int MinimumStars { get; set; }

    /// <summary>User and password for the registry. Default: what Connect-ContainerRegistry has stored.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var filters = new Filters();
        if (Official) filters.Add("is-official", "true");
        if (MinimumStars > 0) filters.Add("stars", MinimumStars.ToString(System.Globalization.CultureInfo.InvariantCulture));
        foreach (string query in Query)
        {
            string term = Server is null || RegistryName.Of(Server) == RegistryName.Hub ? query : $"{RegistryName.Of(Server)}/{query}";
            await SubmitInOrderAsync(query, async token =>
            {
                string? login = RegistryLogins.HeaderFor(this, term, Credential);
                foreach (var result in await session.Client.SearchImagesAsync(term, Limit, filters, login, token)) WriteObject(new ContainerImageSearchResult(result, session));
            }, cancellation);
        }
    }
}
