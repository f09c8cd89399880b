using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.References;

namespace Gantry.Daemon.Images.Archives;

/// <summary>One image that an archive's documents describe.</summary>
/// <param name="Configuration">Its bytes.</param>
/// <param name="LayerPaths">Where its layers stand in the archive, bottom first.</param>
/// <param name="Names">Names to give it.</param>
/// <param name="Parent">The id of the image that it was made from, where the archive says so.</param>
internal sealed record ArchiveImage(byte[] Configuration, IReadOnlyList<string> LayerPaths, IReadOnlyList<ImageReference> Names, Digest? Parent);
