using Gantry.Linux.Files;

namespace Gantry.Daemon.Volumes;

// What a volume holds when its first container gets it.
public sealed partial class VolumeService
{
    /// <summary>A file beside the data, as long as they are not whole.</summary>
    private string MarkOf(string name) => Path.Combine(DirectoryOf(name), "filling");

    /// <summary>Makes a volume ready for a container: an empty one is filled, and one whose filling was cut off is emptied and filled anew.</summary>
    /// <param name="claims">The container's; they include the volume.</param>
    /// <param name="volume">One after the other gets to see it.</param>
    /// <param name="copy">Copies what the image has at the volume's place to its mount point; null to leave an empty volume empty.</param>
    /// <param name="cancellation">Ends the wait for others.</param>
    internal async Task PrepareAsync(Claims claims, Ensured volume, Action? copy, CancellationToken cancellation)
    {
        if (FileSystemOf(volume.Name) is not null) return;
        Claim claim;
        lock (gate) claim = this.claims[volume.Name];
        await claim.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            bool used;
            lock (gate) used = UsersOf(volume.Name).Count > 0 || claim.Ready.Any(c => c != claims.Container);
            await Task.Run(() => Prepare(volume, used, copy), cancellation).ConfigureAwait(false);
            lock (gate) claim.Ready.Add(claims.Container);
        }
        finally
        {
            claim.Turn.Release();
        }
    }

    /// <remarks>A container passes here before it can write to the volume, and when it has passed there is no mark: what lies beside a mark is nobody's work.</remarks>
    private void Prepare(Ensured volume, bool used, Action? copy)
    {
        string mark = MarkOf(volume.Name);
        if (!used && File.Exists(mark))
        {
            using var directory = DirectoryFd.Open(volume.MountPoint);
            TreeRemoval.RemoveContent(directory);
            File.Delete(mark);
        }
        if (copy is null || Directory.EnumerateFileSystemEntries(volume.MountPoint).Any()) return;
        if (!used) File.WriteAllBytes(mark, []);
        copy();
        File.Delete(mark);
    }
}
