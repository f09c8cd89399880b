using System.Management.Automation;
using System.Runtime.CompilerServices;
using Gantry.PowerShell.Cmdlets;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>Finds the containers that references name. A literal that names nothing is one error; a pattern that matches nothing is silence.</summary>
internal static class ContainerResolver
{
    public static async IAsyncEnumerable<ContainerTarget> ResolveAsync(
        EngineCmdlet cmdlet, IEnumerable<ContainerReference> references, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var reference in references)
        {
            var session = await cmdlet.SessionForAsync(reference.Session, cancellation);
            if (reference.Id is { } id)
            {
                if (seen.Add(id)) yield return new ContainerTarget(id, reference.Text, session);
            }
            else if (reference.IsPattern)
            {
                foreach (var match in await MatchAsync(reference.Text, session, cancellation))
                {
                    if (seen.Add(match.Id)) yield return match;
                }
            }
            else if (await FindAsync(cmdlet, reference.Text, session, cancellation) is { } found && seen.Add(found.Id))
            {
                yield return found;
            }
        }
    }

    /// <summary>The list is read to its end first: what the cmdlet does to one container may change it.</summary>
    private static async Task<List<ContainerTarget>> MatchAsync(string text, EngineSession session, CancellationToken cancellation)
    {
        var pattern = new WildcardPattern(text, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        var matches = new List<ContainerTarget>();
        await foreach (var row in session.Client.ListContainersAsync(null, size: false, cancellation))
        {
            string name = Container.PrimaryName(row.Names);
            if (pattern.IsMatch(name)) matches.Add(new ContainerTarget(row.Id, name, session));
        }
        return matches;
    }

    private static async Task<ContainerTarget?> FindAsync(EngineCmdlet cmdlet, string text, EngineSession session, CancellationToken cancellation)
    {
        try
        {
            var found = await session.Client.InspectContainerAsync(text, size: false, cancellation);
            return new ContainerTarget(found.Id, found.Name.TrimStart('/'), session);
        }
        catch (ContainerEngineException e)
        {
            cmdlet.WriteError(ErrorRecords.From(e, text));
            return null;
        }
    }
}
