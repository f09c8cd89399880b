using Gantry.Daemon.Images.Content;

namespace Gantry.Daemon.Images.Layers;

/// <summary>One unpacked layer.</summary>
/// <param name="Chain">Names it together with what lies below it.</param>
/// <param name="Parent">The chain id of what lies below; null for the lowest.</param>
/// <param name="Diff">Digest of its uncompressed archive.</param>
/// <param name="Size">Sum of its files' sizes in bytes.</param>
/// <param name="ArchiveSize">Bytes of its uncompressed archive.</param>
public sealed record Layer(Digest Chain, Digest? Parent, Digest Diff, long Size, long ArchiveSize);
