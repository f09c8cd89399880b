using System.Formats.Tar;
using System.Net;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The body of a request that is an archive, which is made while it is sent.</summary>
/// <param name="report">Told of the bytes of files so far.</param>
internal abstract class TarContent(Action<long> report) : HttpContent
{
    private long sent;

    /// <summary>Writes all entries.</summary>
    protected abstract Task WriteAsync(TarWriter writer, CancellationToken cancellation);

    /// <summary>The mode of what comes from Windows, which has none.</summary>
    protected abstract UnixFileMode ModeWithout(TarEntryType type);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => WriteAsync(stream, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => WriteAsync(stream, cancellationToken);

    private async Task WriteAsync(Stream stream, CancellationToken cancellation)
    {
        await using var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true);
        await WriteAsync(writer, cancellation).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected Task WriteLinkAsync(TarWriter writer, FileSystemInfo item, string path, string target, CancellationToken cancellation) =>
        writer.WriteEntryAsync(Describe(new PaxTarEntry(TarEntryType.SymbolicLink, path) { LinkName = target }, item), cancellation);

    protected Task WriteDirectoryAsync(TarWriter writer, FileSystemInfo item, string path, CancellationToken cancellation) =>
        writer.WriteEntryAsync(Describe(new PaxTarEntry(TarEntryType.Directory, path + "/"), item), cancellation);

    protected async Task WriteFileAsync(TarWriter writer, FileSystemInfo item, string path, CancellationToken cancellation)
    {
        await using var content = new FileStream(item.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var entry = Describe(new PaxTarEntry(TarEntryType.RegularFile, path), item);
        // TarWriter asks for the length, which only the file itself can tell.
        entry.DataStream = content;
        await writer.WriteEntryAsync(entry, cancellation).ConfigureAwait(false);
        report(sent += content.Length);
    }

    /// <summary>Owners stay root's: those of this machine mean nothing in a container.</summary>
    protected PaxTarEntry Describe(PaxTarEntry entry, FileSystemInfo item)
    {
        entry.ModificationTime = item.LastWriteTimeUtc;
        if (entry.EntryType != TarEntryType.SymbolicLink) entry.Mode = OperatingSystem.IsWindows() ? ModeWithout(entry.EntryType) : item.UnixFileMode;
        return entry;
    }
}
