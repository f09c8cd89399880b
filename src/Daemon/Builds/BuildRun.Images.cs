using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Pull;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds;

// The images that stages begin with and copies take from.
internal sealed partial class BuildRun
{
    /// <summary>An image of the store, or of the registry when it is not here or when newer ones are wanted.</summary>
    private async Task<Image> BaseImageAsync(string name, OciPlatform? platform, CancellationToken cancellation)
    {
        var query = ImageQuery.Parse(name);
        var here = request.Pull ? null : store.Current.Find(query);
        if (here is not null && (platform is null || Platforms.Matches(platform, here.Os, here.Architecture, here.Variant))) return here;
        if (query.Name is null) return store.Current.Find(query) ?? throw query.NotFound();   // an id: no registry knows it
        await PullAsync(query.Name.WithDefaultTag(), platform, cancellation).ConfigureAwait(false);
        var pulled = store.Current.ByName(query.Name) ?? throw query.NotFound();
        if (platform is null || Platforms.Matches(platform, pulled.Os, pulled.Architecture, pulled.Variant)) return pulled;
        throw EngineException.NotFound(
            $"image with reference {name} was found but its platform ({Platforms.Format(pulled.Os, pulled.Architecture, pulled.Variant)}) does not match the specified platform ({Platforms.Format(platform.Os, platform.Architecture, platform.Variant)})");
    }

    /// <summary>By the engine's own command, in a job below this one; its progress goes into this build's output.</summary>
    private Task PullAsync(ImageReference name, OciPlatform? platform, CancellationToken cancellation)
    {
        var pull = new PullRequest(name, platform, RegistryCredentials.DecodeFor(request.RegistryConfig, name.Domain));
        var pulling = tools.Engine.CreateJob(ImageCommands.Pull, parent: job, output: output.Messages);
        return tools.Engine.RunAsync(pulling, ImageCommands.Pull, pull, cancellation);
    }

    /// <summary>What <c>--from</c> names: an earlier stage by its name or number, or an image.</summary>
    private async Task<Image> SourceImageAsync(string from, CancellationToken cancellation)
    {
        if (finished.Find(f => f.Name.Length > 0 && f.Name.Equals(from, StringComparison.OrdinalIgnoreCase)).State is { } named) return StageImage(named, from);
        if (int.TryParse(from, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out int index))
        {
            if (index == finished.Count) throw EngineException.InvalidParameter($"invalid from flag value {from}: refers to current build stage");
            if (index < 0 || index > finished.Count) throw EngineException.InvalidParameter($"invalid from flag value {from}: index out of bounds");
            return StageImage(finished[index].State, from);
        }
        try
        {
            return await BaseImageAsync(from, requestedPlatform, cancellation).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            throw new EngineException(e.Kind, $"invalid from flag value {from}: {e.Message}", e);
        }
    }

    private Image StageImage(StageState stage, string from) =>
        stage.ImageId.Length > 0 ? Held(stage.ImageId) : throw EngineException.InvalidParameter($"invalid from flag value {from}: the stage has no files");
}
