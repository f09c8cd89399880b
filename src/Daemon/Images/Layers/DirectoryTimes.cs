using System.Buffers.Binary;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Remembers modification times of directories until everything in them has been written. Compact: a path and sixteen bytes each.</summary>
internal sealed class DirectoryTimes
{
    private const int Fixed = 16;

    private readonly MemoryStream recorded = new();

    /// <param name="path">From the root, without symbolic links; empty for the root itself.</param>
    public void Set(ReadOnlySpan<byte> path, FileTime modified)
    {
        Span<byte> head = stackalloc byte[Fixed];
        BinaryPrimitives.WriteInt64LittleEndian(head, modified.Seconds);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], modified.Nanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], path.Length);
        recorded.Write(head);
        recorded.Write(path);
    }

    /// <summary>Sets all of them, in the order in which they came: what was listed twice keeps its last time.</summary>
    public void Apply(DirectoryFd root)
    {
        ReadOnlySpan<byte> rest = recorded.GetBuffer().AsSpan(0, (int)recorded.Length);
        while (!rest.IsEmpty)
        {
            var modified = new FileTime(BinaryPrimitives.ReadInt64LittleEndian(rest), BinaryPrimitives.ReadInt32LittleEndian(rest[8..]));
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[12..]);
            var path = rest.Slice(Fixed, length);
            // The whole path at once: only this process writes here, and no part of it is a symbolic link.
            if (path.IsEmpty) OpenFileAttributes.SetTimes(root, modified, modified);
            else root.TrySetTimes(path, modified, modified).Check("set times of", path);
            rest = rest[(Fixed + length)..];
        }
    }
}
