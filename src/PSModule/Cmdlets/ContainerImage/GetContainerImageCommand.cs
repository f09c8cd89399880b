using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists images, one object for each name.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImage", DefaultParameterSetName = "Name")]
[OutputType(typeof(ContainerImage))]
public sealed class GetContainerImageCommand : EngineCmdlet
{
    /// <summary>Names, with wildcards: <c>busybox</c> is its tag <c>latest</c>, <c>busybox:*</c> all of its tags. The beginning of an id is taken too.</summary>
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <summary>Ids or their beginnings, with or without <c>sha256:</c>.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id", ValueFromPipelineByPropertyName = true)]
    [Alias("ImageId")]
    public string[]? Id { get; set; }

    /// <summary>Only images without a name.</summary>
    [Parameter]
    public SwitchParameter Dangling { get; set; }

    /// <summary>Only those with all of these labels.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>Only those that were made before this one.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public string? Before { get; set; }

    /// <summary>Only those that were made after this one.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public string? Since { get; set; }

    /// <summary>The steps between images of a build too.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var wanted = Id?.Select(i => i.StartsWith("sha256:", StringComparison.Ordinal) ? i : "sha256:" + i).ToArray() ?? Name;
        if (wanted is null)
        {
            await foreach (var row in session.Client.ListImagesAsync(Filters(), All, cancellation)) WriteObject(ContainerImage.From(row, session), true);
            return;
        }
        var images = await ImageQuery.ListAsync(session, Filters(), All, cancellation);
        var written = new HashSet<(string, string)>();
        foreach (string text in wanted)
        {
            var found = ImageQuery.Select(images, text);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(text)) WriteError(ErrorRecords.Missing("Image", text));
            foreach (var image in found.Where(i => written.Add((i.Id, i.Name)))) WriteObject(image);
        }
    }

    private Filters Filters()
    {
        var filters = new Filters().Add("label", Pairs.ToList(Label));
        if (Dangling) filters.Add("dangling", "true");
        if (Before is not null) filters.Add("before", Before);
        if (Since is not null) filters.Add("since", Since);
        return filters;
    }
}
