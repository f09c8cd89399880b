using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Takes names and images away by dockerd's rules (golden 025, 026, 028, 080; reference 4.4).</summary>
/// <remarks>
/// By name: the name goes; when it was the last one, so does the image. By id: the image goes when it has at most one name. What stands
/// against it is <i>hard</i> (images made from it, running containers), which force does not overcome, or <i>soft</i> (other names, stopped
/// containers), which it does. Unless told not to, parents that have lost their last child and have no names follow, up to one that a build holds.
/// </remarks>
internal sealed class ImageRemoval(ImageStore store, ImageEvents events, Func<IImageUsage> usage)
{
    [Flags]
    private enum Conflicts
    {
        DependentChild = 1,
        RunningContainer = 2,
        ActiveReference = 4,
        StoppedContainer = 8,
        Hard = DependentChild | RunningContainer,
        Soft = ActiveReference | StoppedContainer,
    }

    private sealed record Conflict(bool IsHard, bool IsUsed, string Message);

    /// <param name="isWanted">For prunes: asked once more when nothing can change any more. What it does not want, or what somebody holds, stays.</param>
    /// <exception cref="EngineException">404 no such image; 409 what stands against it.</exception>
    public async Task<List<ImageDeleteItem>> RunAsync(string name, bool force, bool prune, CancellationToken cancellation, Func<Image, bool>? isWanted = null)
    {
        var query = ImageQuery.Parse(name);
        var work = new Work();
        try
        {
            await store.ChangeAsync(async () =>
            {
                try
                {
                    await RemoveAsync(work, query, force, prune, isWanted).ConfigureAwait(false);
                    return true;
                }
                finally
                {
                    foreach (string id in work.Doomed) store.Undoom(id);
                }
            }, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await store.DeleteFilesAsync(work.Files).ConfigureAwait(false);
        }
        return work.Items;
    }

    private sealed class Work
    {
        public List<ImageDeleteItem> Items { get; } = [];

        public List<RemovedLayers> Files { get; } = [];

        public List<string> Doomed { get; } = [];
    }

    private async Task RemoveAsync(Work work, ImageQuery query, bool force, bool prune, Func<Image, bool>? isWanted)
    {
        var image = store.Current.Find(query) ?? throw query.NotFound();
        bool isFree = TryDoom(work, image.Id);
        if (isWanted is not null && (!isFree || !isWanted(image))) return;
        bool byId = query.Id is not null || store.Current.ByName(query.Name!) is null;
        bool removedName = false;
        if (byId)
        {
            if (IsSingleReference(image.Names))
            {
                if (FindConflict(image, Conflicts.Hard | (force ? 0 : Conflicts.Soft & ~Conflicts.ActiveReference)) is { } conflict) throw Refuse(image, conflict);
                foreach (var name in image.Names) await UntagAsync(work, image, name).ConfigureAwait(false);
            }
        }
        else
        {
            await RemoveNameAsync(work, image, query.Name!.Key(), force).ConfigureAwait(false);
            if (Refresh(image).Names.Count > 0) return;
            removedName = true;
        }
        await RemoveImageAsync(work, Refresh(image), force, prune, quiet: removedName).ConfigureAwait(false);
    }

    private bool TryDoom(Work work, string id)
    {
        if (!store.TryDoom(id)) return false;
        work.Doomed.Add(id);
        return true;
    }

    private Image Refresh(Image image) => store.Current.ById(image.Id)!;

    private async Task RemoveNameAsync(Work work, Image image, ImageReference name, bool force)
    {
        if (!force && IsSingleReference(image.Names) && usage().UsersOf(image.Id) is [var user, ..])
        {
            throw EngineException.Conflict(
                $"conflict: unable to remove repository reference \"{name.Familiar}\" (must force) - container {Short(user.Id)} is using its referenced image {image.ShortId}");
        }
        await UntagAsync(work, image, name).ConfigureAwait(false);
        // Digests say where a repository's image came from; without a tag of that repository they say nothing any more.
        var rest = Refresh(image).Names;
        if (name.Digest is not null || rest.Any(n => n.Tag is not null && n.Name == name.Name)) return;
        foreach (var digest in rest.Where(n => n.Digest is not null && n.Name == name.Name)) await UntagAsync(work, image, digest, silent: true).ConfigureAwait(false);
    }

    private async Task UntagAsync(Work work, Image image, ImageReference name, bool silent = false)
    {
        await store.RemoveNameAsync(image, name).ConfigureAwait(false);
        work.Items.Add(new ImageDeleteItem { Untagged = name.Familiar });
        if (!silent) events.Publish("untag", image);
    }

    private async Task RemoveImageAsync(Work work, Image image, bool force, bool prune, bool quiet)
    {
        if (FindConflict(image, Conflicts.Hard | (force ? 0 : Conflicts.Soft)) is { } conflict)
        {
            // A name has been taken away or a parent is looked at: unless the image is now of no use to anybody, leaving it is right.
            bool dangling = image.Names.Count == 0 && !store.Current.HasChildren(image);
            if (quiet && (!dangling || conflict.IsUsed)) return;
            throw Refuse(image, conflict);
        }
        foreach (var name in image.Names) await UntagAsync(work, image, name).ConfigureAwait(false);
        image = Refresh(image);
        var removed = await store.RemoveAsync(image).ConfigureAwait(false);
        events.PublishDeleted(image.Id);
        work.Items.Add(new ImageDeleteItem { Deleted = image.Id });
        work.Items.AddRange(removed.Layers.Select(l => new ImageDeleteItem { Deleted = l.Chain.ToString() }));
        work.Files.Add(removed);
        if (prune && image.Parent is { } parent && store.Current.ById(parent) is { } below && TryDoom(work, parent)) await RemoveImageAsync(work, below, false, true, quiet: true).ConfigureAwait(false);
    }

    private Conflict? FindConflict(Image image, Conflicts wanted)
    {
        if (wanted.HasFlag(Conflicts.DependentChild) && store.Current.HasChildren(image)) return new Conflict(true, false, "image has dependent child images");
        var users = usage().UsersOf(image.Id);
        if (wanted.HasFlag(Conflicts.RunningContainer) && users.FirstOrDefault(u => u.Running) is { } running)
            return new Conflict(true, true, $"image is being used by running container {Short(running.Id)}");
        if (wanted.HasFlag(Conflicts.ActiveReference) && image.Names.Count > 0) return new Conflict(false, false, "image is referenced in multiple repositories");
        if (wanted.HasFlag(Conflicts.StoppedContainer) && users.FirstOrDefault(u => !u.Running) is { } stopped)
            return new Conflict(false, true, $"image is being used by stopped container {Short(stopped.Id)}");
        return null;
    }

    private static EngineException Refuse(Image image, Conflict conflict) =>
        EngineException.Conflict($"conflict: unable to delete {image.ShortId} ({(conflict.IsHard ? "cannot" : "must")} be forced) - {conflict.Message}");

    /// <summary>True for no name, for one, and for one tag whose other names are digests of its own repository.</summary>
    private static bool IsSingleReference(IReadOnlyList<ImageReference> names)
    {
        if (names.Count <= 1) return true;
        var tags = names.Where(n => n.Tag is not null).ToList();
        if (tags.Count > 1) return false;
        var repositories = names.Where(n => n.Digest is not null).Select(n => n.Name).Distinct(StringComparer.Ordinal).ToList();
        return repositories.Count == 1 && repositories[0] == (tags is [var tag] ? tag : names[0]).Name;
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id;
}
