using Gantry.Daemon.Execution;
using Gantry.Daemon.Storage;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Builds;

/// <summary>A layer that a step writes without a container: an overlay on an image's layers, mounted nowhere, whose upper directory becomes the layer.</summary>
internal sealed class LayerDraft : IDisposable
{
    private readonly RootFilesystem files;

    private LayerDraft(RootFilesystem files, DirectoryFd root, string below)
    {
        this.files = files;
        Root = root;
        Below = below;
    }

    /// <summary>What the image shows, to be written in.</summary>
    public DirectoryFd Root { get; }

    /// <summary>The directory that shows through the layer's root.</summary>
    public string Below { get; }

    /// <param name="directory">A folder for the layer; it need not be there.</param>
    /// <param name="layers">Directories of the image's layers, topmost first; none for an empty image.</param>
    /// <param name="driver">How the layers are stacked.</param>
    public static LayerDraft Begin(string directory, IReadOnlyList<string> layers, StorageDriver driver)
    {
        var files = new RootFilesystem(directory, driver);
        string below = layers.Count > 0 ? layers[0] : Path.Combine(directory, "below");
        if (layers.Count == 0)
        {
            const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
            Directory.CreateDirectory(directory);
            Directory.CreateDirectory(below);
            File.SetUnixFileMode(below, Mode);
        }
        files.Create(layers.Count > 0 ? layers : [below]);
        if (layers.Count == 0) return new LayerDraft(files, DirectoryFd.Open(files.Upper), below);
        using var mount = files.Mount(layers);
        return new LayerDraft(files, DirectoryFd.Open(mount), below);
    }

    /// <summary>Ends the writing.</summary>
    /// <returns>The upper directory.</returns>
    public string Close()
    {
        Root.Dispose();
        return files.Upper;
    }

    public void Dispose() => Root.Dispose();
}
