using System.Management.Automation;
using System.Text.Json;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Pushes images to their registries.</summary>
[Cmdlet(VerbsLifecycle.Submit, "ContainerImage", SupportsShouldProcess = true)]
[Alias("Push-ContainerImage")]
[OutputType(typeof(ContainerImagePush))]
public sealed class SubmitContainerImageCommand : RegistryTransferCmdlet
{
    /// <summary>Images by their names, which say the registry: <c>localhost:5000/team/web:1.2</c>; or wildcard patterns over names. Without a tag it is <c>latest</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ImageReference[] Image { get; set; } = [];

    /// <summary>All tags of the repository.</summary>
    [Parameter]
    public SwitchParameter AllTags { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var reference in Image)
        {
            var session = await SessionForAsync(reference.Session, cancellation);
            var names = reference.IsPattern
                ? ImageQuery.Select(await ImageQuery.ListAsync(session, null, all: false, cancellation), reference.Text).Where(i => !i.IsDangling).Select(i => i.Name)
                : [reference.Text];
            foreach (string text in names.ToList())
                await SubmitTransferAsync(text, AllTags ? "Push all tags" : "Push", (login, token) => PushAsync(session, text, login, token), cancellation);
        }
    }

    private async Task PushAsync(EngineSession session, string text, string? login, CancellationToken cancellation)
    {
        var name = ImageName.Parse(text);
        if (name.Digest is not null) throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"'{text}' is a digest: an image is pushed by its tag.");
        string? tag = AllTags ? null : name.Tag ?? ImageName.DefaultTag;
        var messages = session.Client.PushImageAsync(name.Repository, tag, login, cancellation);
        await ProgressDisplay.RunAsync(this, $"Pushing {name.Repository}{(tag is null ? "" : ":" + tag)}", messages, message =>
        {
            if (Result(message) is { } result) WriteObject(new ContainerImagePush(name.Repository, result, session));
        });
    }

    private static PushResult? Result(ProgressMessage message) =>
        message.Aux is { ValueKind: JsonValueKind.Object } aux && aux.TryGetProperty("Digest", out _) ? aux.Deserialize(WireJson.TypeInfo<PushResult>()) : null;
}
