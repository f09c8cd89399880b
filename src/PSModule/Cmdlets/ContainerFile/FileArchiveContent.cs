using System.Formats.Tar;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A file or a directory as an archive that is made while it is sent.</summary>
/// <param name="source">The file or directory.</param>
/// <param name="name">What it is called in the archive.</param>
/// <param name="report">Told of the bytes of files so far.</param>
internal sealed class FileArchiveContent(string source, string name, Action<long> report) : TarContent(report)
{
    protected override Task WriteAsync(TarWriter writer, CancellationToken cancellation) =>
        WriteAsync(writer, new FileInfo(source) is { Exists: true } file ? file : new DirectoryInfo(source), name, cancellation);

    private async Task WriteAsync(TarWriter writer, FileSystemInfo item, string path, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (item.LinkTarget is { } target)
        {
            await WriteLinkAsync(writer, item, path, target, cancellation).ConfigureAwait(false);
        }
        else if (item is DirectoryInfo directory)
        {
            await WriteDirectoryAsync(writer, item, path, cancellation).ConfigureAwait(false);
            foreach (var child in directory.EnumerateFileSystemInfos().OrderBy(c => c.Name, StringComparer.Ordinal)) await WriteAsync(writer, child, $"{path}/{child.Name}", cancellation).ConfigureAwait(false);
        }
        else
        {
            await WriteFileAsync(writer, item, path, cancellation).ConfigureAwait(false);
        }
    }

    protected override UnixFileMode ModeWithout(TarEntryType type) => (UnixFileMode)(type == TarEntryType.Directory ? 0x1ed : 0x1a4);
}
