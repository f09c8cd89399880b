using System.Formats.Tar;
using System.Text;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A build context as an archive that is made while it is sent.</summary>
/// <param name="report">Told of the bytes of files so far.</param>
/// <param name="skipped">Told of files that no archive can hold.</param>
internal sealed class BuildContextContent(BuildContextFiles files, Action<long> report, Action<string> skipped) : TarContent(report)
{
    protected override async Task WriteAsync(TarWriter writer, CancellationToken cancellation)
    {
        foreach (var (item, path) in files.Enumerate())
        {
            cancellation.ThrowIfCancellationRequested();
            await WriteAsync(writer, item, path, cancellation).ConfigureAwait(false);
        }
        if (files.Outside is { } text)
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, files.Dockerfile) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) }, cancellation).ConfigureAwait(false);
    }

    private async Task WriteAsync(TarWriter writer, FileSystemInfo item, string path, CancellationToken cancellation)
    {
        if (item.LinkTarget is { } target)
        {
            await WriteLinkAsync(writer, item, path, target.Replace('\\', '/'), cancellation).ConfigureAwait(false);
        }
        else if (item is DirectoryInfo)
        {
            await WriteDirectoryAsync(writer, item, path, cancellation).ConfigureAwait(false);
        }
        else if (((FileInfo)item).Length == 0 && !IsRegular(item, path, out var type))
        {
            if (type is null) skipped(path);
            else await writer.WriteEntryAsync(Describe(new PaxTarEntry(type.Value, path), item), cancellation).ConfigureAwait(false);
        }
        else
        {
            await WriteFileAsync(writer, item, path, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Everything may be run, as with docker build.</summary>
    protected override UnixFileMode ModeWithout(TarEntryType type) => (UnixFileMode)0x1ed;

    /// <summary>What is empty may be a pipe, which must not be opened: the tar writer of .NET knows what it is without that.</summary>
    /// <param name="type">A pipe; null for what no archive can hold.</param>
    private static bool IsRegular(FileSystemInfo item, string path, out TarEntryType? type)
    {
        type = null;
        using var archive = new MemoryStream();
        try
        {
            using (var probe = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true)) probe.WriteEntry(item.FullName, path);
        }
        catch (IOException)
        {
            return false;   // a socket
        }
        archive.Position = 0;
        using var reader = new TarReader(archive);
        type = reader.GetNextEntry()?.EntryType;
        if (type is not (TarEntryType.Fifo or TarEntryType.RegularFile)) type = null;
        return type == TarEntryType.RegularFile;
    }
}
