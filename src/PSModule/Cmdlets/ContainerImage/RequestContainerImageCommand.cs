using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Pulls images from a registry.</summary>
[Cmdlet(VerbsLifecycle.Request, "ContainerImage", SupportsShouldProcess = true)]
[Alias("Pull-ContainerImage")]
[OutputType(typeof(ContainerImage))]
public sealed class RequestContainerImageCommand : RegistryTransferCmdlet
{
    /// <summary>Names: <c>busybox</c>, <c>localhost:5000/team/web:1.2</c>, <c>web@sha256:…</c>. Without a tag it is <c>latest</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Image")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>All tags of the repository.</summary>
    [Parameter]
    public SwitchParameter AllTags { get; set; }

    /// <summary>Which image of a multi-platform one: <c>linux/arm64</c>. Default: the engine's own.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Platform { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        foreach (string text in Name) await SubmitTransferAsync(text, AllTags ? "Pull all tags" : "Pull", (login, token) => PullAsync(session, text, login, token), cancellation);
    }

    private async Task PullAsync(EngineSession session, string text, string? login, CancellationToken cancellation)
    {
        var name = ImageName.Parse(text);
        if (AllTags && (name.Tag ?? name.Digest) is not null)
            throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"'{text}' has a tag or digest; all tags are pulled by the name of the repository.");
        await ImagePull.RunAsync(this, session, name, Platform, login, AllTags, cancellation);
        string pulled = AllTags || name.Digest is not null ? name.ToString() : $"{name.Repository}:{name.Tag ?? ImageName.DefaultTag}";
        foreach (var image in await ImageQuery.FindAsync(session, AllTags ? $"{name.Repository}:*" : pulled, cancellation)) WriteObject(image);
    }
}
