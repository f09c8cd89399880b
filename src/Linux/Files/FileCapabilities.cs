using System.Buffers.Binary;

namespace Gantry.Linux.Files;

/// <summary>The attribute that gives a program capabilities (capabilities(7), "File capability extended attribute versioning").</summary>
/// <remarks>A user namespace has its own form of it, which names the namespace's root by its id outside: version 3, four bytes longer.</remarks>
public static class FileCapabilities
{
    private const uint VersionMask = 0xFF000000, Version2 = 0x02000000, Version3 = 0x03000000;
    private const int Length2 = 20, Length3 = 24;

    public static bool IsName(ReadOnlySpan<byte> attribute) => attribute.SequenceEqual("security.capability"u8);

    /// <summary>The value to be set from outside for a file that a user namespace's processes see.</summary>
    /// <param name="value">As it is inside.</param>
    /// <param name="root">The namespace's root, outside.</param>
    public static byte[] Outside(byte[] value, uint root)
    {
        if (value.Length != Length2 || (Magic(value) & VersionMask) != Version2) return value;
        byte[] own = new byte[Length3];
        value.CopyTo(own, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(own, Version3 | (Magic(value) & ~VersionMask));
        BinaryPrimitives.WriteUInt32LittleEndian(own.AsSpan(Length2), root);
        return own;
    }

    /// <summary>The reverse: a value as it was read outside, in the form that has no owner.</summary>
    public static byte[] Inside(byte[] value, uint root)
    {
        if (value.Length != Length3 || (Magic(value) & VersionMask) != Version3 || BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(Length2)) != root) return value;
        byte[] plain = value[..Length2];
        BinaryPrimitives.WriteUInt32LittleEndian(plain, Version2 | (Magic(value) & ~VersionMask));
        return plain;
    }

    private static uint Magic(byte[] value) => BinaryPrimitives.ReadUInt32LittleEndian(value);
}
