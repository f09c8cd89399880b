using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gantry.Daemon.Images.Layers;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Builds.Copying;

/// <summary>The checksum by which a copied file is known: its name, mode, owner, size, type, link, extended attributes and content, but no time (tarsum version 1).</summary>
internal static class FileChecksum
{
    private const int BufferSize = 256 * 1024;

    /// <param name="directory">Holds the file.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="path">From the root of what is copied from, without a leading slash.</param>
    /// <returns>64 hexadecimal digits.</returns>
    public static string Of(DirectoryFd directory, FilePath name, string path, in FileStatus status)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string key, string value) => hash.AppendData(Encoding.UTF8.GetBytes(key + value));
        string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

        Add("name", status.Type == FileType.Directory ? path + "/" : path);
        Add("mode", Number(status.Permissions));
        Add("uid", Number(status.Owner));
        Add("gid", Number(status.Group));
        Add("size", Number(status.Type == FileType.Regular ? status.Size : 0));
        Add("typeflag", TypeFlag(status.Type));
        Add("linkname", status.Type == FileType.SymbolicLink ? Encoding.UTF8.GetString(directory.ReadLink(name)) : "");
        Add("uname", "");
        Add("gname", "");
        Add("devmajor", Number(status.Device.Major));
        Add("devminor", Number(status.Device.Minor));
        foreach (string attribute in ExtendedAttributes.List(directory, name).Order(StringComparer.Ordinal))
        {
            if (Overlay.IsPrivateAttribute(Encoding.UTF8.GetBytes(attribute)) || attribute is "security.selinux") continue;
            if (ExtendedAttributes.Get(directory, name, attribute) is not { } value) continue;
            hash.AppendData(Encoding.UTF8.GetBytes(attribute));
            hash.AppendData(value);
        }
        if (status.Type == FileType.Regular && status.Size > 0) AddContent(hash, directory, name);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string TypeFlag(FileType type) => type switch
    {
        FileType.Directory => "5",
        FileType.SymbolicLink => "2",
        FileType.CharacterDevice => "3",
        FileType.BlockDevice => "4",
        FileType.Fifo => "6",
        _ => "0",
    };

    private static void AddContent(IncrementalHash hash, DirectoryFd directory, FilePath name)
    {
        directory.TryOpenRegular(name, out var file, out _).Check("open", name);
        using (file)
        {
            byte[] buffer = new byte[BufferSize];
            for (int read; (read = FileData.Read(file!, buffer)) > 0;) hash.AppendData(buffer, 0, read);
        }
    }

    /// <summary>One checksum of several.</summary>
    /// <param name="kind"><c>dir</c> or <c>multi</c>.</param>
    public static string OfList(string kind, IEnumerable<string> checksums) => $"{kind}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(',', checksums))))}";
}
