using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes images of containers, with what they have changed.</summary>
[Cmdlet(VerbsData.ConvertTo, "ContainerImage", SupportsShouldProcess = true)]
[Alias("Commit-Container")]
[OutputType(typeof(ContainerImage))]
public sealed class ConvertToContainerImageCommand : ContainerCmdlet, IRunsAsJob
{
    /// <summary>The image's name; it may have the tag behind a colon. Without one the image has only its id.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public string? Repository { get; set; }

    /// <summary>The image's tag. Default: <c>latest</c>.</summary>
    [Parameter(Position = 2)]
    [ValidateNotNullOrEmpty]
    public string? Tag { get; set; }

    /// <summary>What the image's history says of this step.</summary>
    [Parameter]
    [Alias("Comment")]
    public string? Message { get; set; }

    /// <summary>Who has made it.</summary>
    [Parameter]
    public string? Author { get; set; }

    /// <summary>Dockerfile instructions for the image: <c>CMD ["sh"]</c>, <c>ENV A=b</c>.</summary>
    [Parameter]
    public new string[]? Change { get; set; }

    /// <summary>Let the container's processes run on while its files are read.</summary>
    [Parameter]
    public SwitchParameter NoPause { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool MayChange(ContainerTarget target) => ShouldProcess(target.ToString(), Repository is null ? "Make an image" : $"Make the image {Repository}{(Tag is null ? "" : ":" + Tag)}");

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var name = Repository is null ? null : ImageName.Parse(Repository);
        string? tag = Tag ?? name?.Tag;
        var made = await target.Client.CommitContainerAsync(target.Id, name?.Repository, tag, Message, Author, !NoPause, Change, cancellation);
        WriteObject(await ImageQuery.FindAsync(target.Session, name is null ? made.Id : $"{name.Repository}:{tag ?? ImageName.DefaultTag}", cancellation), true);
    }
}
