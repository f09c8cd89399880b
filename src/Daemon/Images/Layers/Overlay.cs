using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>How a layer on disk says what it hides: in overlay's form (kernel: <c>Documentation/filesystems/overlayfs.rst</c>, "whiteouts and opaque directories"), or in a plain one for file systems that do not take that.</summary>
/// <remarks>
/// In the plain form a hidden name is a symbolic link with a target of its own, and the mark of an opaque directory is an attribute of ours.
/// Whoever reads understands both forms; which one is written is the storage driver's choice.
/// </remarks>
public static class Overlay
{
    public const string OpaqueAttribute = "trusted.overlay.opaque";

    private static ReadOnlySpan<byte> PlainWhiteout => "/.gantry/hidden"u8;

    private static readonly string[] PlainOpaque = ["user.gantry.opaque", "trusted.gantry.opaque"];

    /// <summary>Hides what lower layers have under this name.</summary>
    /// <param name="plain">In the plain form.</param>
    public static KernelResult TryMakeWhiteout(DirectoryFd directory, FilePath name, bool plain = false) =>
        plain ? directory.TryMakeSymbolicLink(name, PlainWhiteout) : directory.TryMakeNode(name, FileType.CharacterDevice, 0);

    /// <summary>Hides what lower layers have in this directory.</summary>
    public static void SetOpaque(DirectoryFd directory, bool plain = false)
    {
        if (!plain)
        {
            ExtendedAttributes.Set(directory, OpaqueAttribute, "y"u8);
            return;
        }
        var result = ExtendedAttributes.TrySet(directory, PlainOpaque[0], "y"u8);
        if (result.Errno is Errno.EOPNOTSUPP or Errno.EPERM) result = ExtendedAttributes.TrySet(directory, PlainOpaque[1], "y"u8);
        result.Check("mark a directory as opaque");
    }

    public static bool IsOpaque(DirectoryFd directory) =>
        ExtendedAttributes.Get(directory, OpaqueAttribute) is [(byte)'y'] || PlainOpaque.Any(name => ExtendedAttributes.Get(directory, name) is [(byte)'y']);

    /// <summary>Whether a name of a layer hides what lies below.</summary>
    public static bool IsWhiteout(DirectoryFd directory, FilePath name, in FileStatus status) =>
        status.IsWhiteout || (status.Type == FileType.SymbolicLink && status.Size == PlainWhiteout.Length && directory.TryReadLink(name, out byte[] target).Succeeded && IsPlainWhiteout(target));

    /// <param name="link">A symbolic link's target.</param>
    public static bool IsPlainWhiteout(ReadOnlySpan<byte> link) => link.SequenceEqual(PlainWhiteout);

    /// <summary>Attributes in which overlay, or this engine, keeps its own books. An archive must not write them: a redirect would show other directories' content.</summary>
    public static bool IsPrivateAttribute(ReadOnlySpan<byte> name) =>
        name.StartsWith("trusted.overlay."u8) || name.StartsWith("user.overlay."u8) || name.StartsWith("user.gantry."u8) || name.StartsWith("trusted.gantry."u8);
}
