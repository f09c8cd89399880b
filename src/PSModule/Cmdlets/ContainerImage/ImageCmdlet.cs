using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>One image that a cmdlet works on.</summary>
/// <param name="Name">What the engine is asked for: a name, or the id of an image without one.</param>
internal sealed record ImageTarget(string Name, EngineSession Session)
{
    public Client.EngineClient Client => Session.Client;

    public override string ToString() => Name;
}

/// <summary>The base of cmdlets that do something to, or with, images that exist.</summary>
public abstract class ImageCmdlet : EngineCmdlet
{
    /// <summary>Images: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name", "Id", "ImageId")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ImageReference[] Image { get; set; } = [];

    private protected abstract Task ActAsync(ImageTarget target, CancellationToken cancellation);

    /// <summary>Asks before a change; a cmdlet that changes nothing leaves it as it is.</summary>
    private protected virtual bool MayChange(ImageTarget target) => true;

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var reference in Image)
        {
            var session = await SessionForAsync(reference.Session, cancellation);
            foreach (var target in await TargetsAsync(reference, session, cancellation))
            {
                if (MayChange(target)) await SubmitInOrderAsync(target.Name, token => ActAsync(target, token), cancellation);
            }
        }
    }

    /// <summary>Patterns are compared with the list; a literal is the engine's to understand.</summary>
    private static async Task<IReadOnlyList<ImageTarget>> TargetsAsync(ImageReference reference, EngineSession session, CancellationToken cancellation) => reference.IsPattern
        ? [.. ImageQuery.Select(await ImageQuery.ListAsync(session, null, all: false, cancellation), reference.Text).Select(i => new ImageTarget(i.Name, session))]
        : [new ImageTarget(reference.Text, session)];
}
