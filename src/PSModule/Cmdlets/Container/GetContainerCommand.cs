using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists containers, in every state.</summary>
[Cmdlet(VerbsCommon.Get, "Container", DefaultParameterSetName = "Name")]
[OutputType(typeof(Container))]
public sealed class GetContainerCommand : EngineCmdlet
{
    /// <summary>Names, with wildcards; the beginning of an id is taken too.</summary>
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <summary>Ids or their beginnings.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id", ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    public string[]? Id { get; set; }

    /// <summary>Only those in one of these states.</summary>
    [Parameter]
    public ContainerState[]? State { get; set; }

    /// <summary>Only those that run.</summary>
    [Parameter]
    public SwitchParameter Running { get; set; }

    /// <summary>Only those with all of these labels: <c>@{role = 'web'}</c>, <c>role=web</c>, or <c>role</c> for any value.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>Only those made of one of these images, or of an image that was built on it. A wildcard is compared with the image's name alone.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [SupportsWildcards]
    public string[]? Image { get; set; }

    /// <summary>Only those in one of these networks.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    [SupportsWildcards]
    public string[]? Network { get; set; }

    /// <summary>Only those with one of these health states.</summary>
    [Parameter]
    public ContainerHealth[]? Health { get; set; }

    /// <summary>Find out how much disk space they take. This costs the engine time.</summary>
    [Parameter]
    public SwitchParameter Size { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var wanted = (Id ?? Name)?.Select(text => new Wanted(text.TrimStart('/'), byId: Id is not null)).ToList();
        // A literal may mean several things (a name, the beginning of an id), and the better one can come last: such rows are kept until the list has ended.
        await foreach (var row in session.Client.ListContainersAsync(Filters(), Size, cancellation))
        {
            var container = Objects.Container.From(row, session);
            if (!Suits(container)) continue;
            if (wanted is null) WriteObject(container);
            else if (wanted.Select(w => w.Offer(container)).ToList().Contains(true)) WriteObject(container);
        }
        foreach (var item in wanted ?? []) Finish(item);
    }

    private void Finish(Wanted item)
    {
        if (item.IsPattern || item.IsFound) return;
        if (item.Candidates.Count == 1) WriteObject(item.Candidates[0]);
        else if (item.Candidates.Count == 0) WriteError(ErrorRecords.Missing("Container", item.Text));
        else
            WriteError(ErrorRecords.Create(
                new PSArgumentException($"'{item.Text}' is the beginning of {item.Candidates.Count} containers' ids: {string.Join(", ", item.Candidates.Select(c => c.Name))}."),
                "AmbiguousContainerId", ErrorCategory.InvalidArgument, item.Text, "Give more digits of the id, or the name."));
    }

    private Filters Filters()
    {
        var filters = new Filters();
        foreach (var state in Running ? [ContainerState.Running] : State ?? []) filters.Add("status", state.ToString().ToLowerInvariant());
        filters.Add("label", Pairs.ToList(Label));
        if (Image is not null && !Image.Any(WildcardPattern.ContainsWildcardCharacters)) filters.Add("ancestor", Image);
        if (Network is not null && !Network.Any(WildcardPattern.ContainsWildcardCharacters)) filters.Add("network", Network);
        foreach (var health in Health ?? []) filters.Add("health", health.ToString().ToLowerInvariant());
        return filters;
    }

    /// <summary>The filters that the engine has no word for.</summary>
    private bool Suits(Container container) =>
        (Image?.Any(WildcardPattern.ContainsWildcardCharacters) != true || Image.Any(p => Matches(p, container.Image)))
        && (Network?.Any(WildcardPattern.ContainsWildcardCharacters) != true || Network.Any(p => container.Networks.Any(n => Matches(p, n.Network))));

    private static bool Matches(string pattern, string text) => new WildcardPattern(pattern, WildcardOptions.IgnoreCase).IsMatch(text);

    /// <summary>One name, pattern or id that was asked for, and what the list has for it so far.</summary>
    private sealed class Wanted(string text, bool byId)
    {
        private readonly WildcardPattern? pattern = WildcardPattern.ContainsWildcardCharacters(text) ? new WildcardPattern(text, WildcardOptions.IgnoreCase) : null;

        public string Text { get; } = text;

        public bool IsPattern => pattern is not null;

        public bool IsFound { get; private set; }

        /// <summary>Containers whose id begins with the text: the answer when no name is equal to it.</summary>
        public List<Container> Candidates { get; } = [];

        /// <summary>True when the container is certainly meant.</summary>
        public bool Offer(Container container)
        {
            if (pattern is not null) return pattern.IsMatch(byId ? container.Id : container.Name);
            if ((!byId && container.Name == Text) || container.Id == Text) return IsFound = true;
            if (container.Id.StartsWith(Text, StringComparison.OrdinalIgnoreCase)) Candidates.Add(container);
            return false;
        }
    }
}
