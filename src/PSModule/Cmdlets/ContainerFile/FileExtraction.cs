using System.Formats.Tar;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes the archive that a container's files come in. The archive is the container's word: nothing outside the target is written, and no link of it is followed.</summary>
/// <param name="target">A file or directory that need not exist: what the archive's root becomes.</param>
internal sealed class FileExtraction(string target)
{
    private readonly List<(string Path, DateTimeOffset Modified)> directories = [];

    /// <summary>The files that were written.</summary>
    public async IAsyncEnumerable<FileInfo> RunAsync(Stream archive, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var reader = new TarReader(archive, leaveOpen: true);
        string? root = null;
        while (await reader.GetNextEntryAsync(copyData: false, cancellation) is { } entry)
        {
            root ??= entry.Name.TrimEnd('/');
            string path = Locate(entry.Name, root);
            if (await WriteAsync(entry, path, root, cancellation)) yield return new FileInfo(path);
        }
        // Writing into a directory changes its time: last things last.
        foreach (var (path, modified) in Enumerable.Reverse(directories)) Directory.SetLastWriteTimeUtc(path, modified.UtcDateTime);
    }

    /// <summary>Where an entry goes: the part of its name behind the root's, below the target.</summary>
    private string Locate(string name, string root)
    {
        string trimmed = name.TrimEnd('/');
        if (trimmed == root) return target;
        string[] parts = trimmed.StartsWith(root + "/", StringComparison.Ordinal) ? trimmed[(root.Length + 1)..].Split('/') : trimmed.Split('/');
        if (parts.Any(p => p is "" or "." or ".." || p.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 || p.Contains('\\') && OperatingSystem.IsWindows()))
            throw new InvalidDataException($"The container sent a file with the name '{name}', which cannot be written here.");
        string path = target;
        foreach (string part in parts)
        {
            if (IsLink(path)) throw new InvalidDataException($"The container sent the file '{name}', which lies behind the link '{path}'.");
            path = Path.Combine(path, part);
        }
        return path;
    }

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    /// <summary>True when a file was written.</summary>
    private async Task<bool> WriteAsync(TarEntry entry, string path, string root, CancellationToken cancellation)
    {
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                if (IsLink(path)) File.Delete(path);
                Directory.CreateDirectory(path);
                directories.Add((path, entry.ModificationTime));
                return false;
            case TarEntryType.SymbolicLink:
                Replace(path);
                File.CreateSymbolicLink(path, entry.LinkName);
                return false;
            case TarEntryType.HardLink:
                Replace(path);
                File.Copy(Locate(entry.LinkName, root), path);
                return true;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                Replace(path);
                await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous))
                {
                    if (entry.DataStream is { } content) await content.CopyToAsync(file, 256 * 1024, cancellation);
                }
                // Neither set-user nor set-group: whoever copies did not ask for programs that run as somebody else.
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, entry.Mode & (UnixFileMode)0x1ff);
                File.SetLastWriteTimeUtc(path, entry.ModificationTime.UtcDateTime);
                return true;
            default:
                return false;   // devices and pipes have no content to copy
        }
    }

    private static void Replace(string path)
    {
        if (Directory.Exists(path) && !IsLink(path)) throw new IOException($"The directory '{path}' stands where a file is to be written.");
        File.Delete(path);
    }
}
