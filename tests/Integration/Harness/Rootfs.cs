using System.Formats.Tar;

namespace Gantry.Integration.Harness;

/// <summary>A small root filesystem as a tar: Debian's static busybox with all its applets.</summary>
internal static class Rootfs
{
    private static readonly Lazy<Task<byte[]>> Busybox = new(MakeAsync);

    /// <summary>The archive; needs the package busybox-static.</summary>
    public static Task<byte[]> BusyboxAsync() => Busybox.Value;

    private static async Task<byte[]> MakeAsync()
    {
        const string program = "/bin/busybox";
        var archive = new MemoryStream();
        await using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (string folder in (string[])["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var"])
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, folder + "/") { Mode = (UnixFileMode)(folder == "tmp" ? 0x3ff : 0x1ed) });
            await WriteAsync(writer, "bin/busybox", await File.ReadAllBytesAsync(program), 0x1ed);
            foreach (string applet in (await Programs.RunAsync(program, ["--list"])).Text.Split('\n').Where(a => a != "busybox"))
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
            await WriteAsync(writer, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"u8.ToArray(), 0x1a4);
            await WriteAsync(writer, "etc/group", "root:x:0:\nmail:x:8:\nnogroup:x:65534:\n"u8.ToArray(), 0x1a4);
        }
        return archive.ToArray();
    }

    private static async Task WriteAsync(TarWriter writer, string name, byte[] content, int mode) =>
        await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = (UnixFileMode)mode, DataStream = new MemoryStream(content) });

    /// <summary>The archive with symbolic links added, in the place of what else has their names.</summary>
    private static async Task<byte[]> WithLinksAsync((string Name, string Target)[] links)
    {
        using var archive = new MemoryStream();
        await using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, target) in links) await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });
            await using var reader = new TarReader(new MemoryStream(await BusyboxAsync()));
            while (await reader.GetNextEntryAsync() is { } entry)
            {
                if (!links.Any(l => l.Name == entry.Name.TrimEnd('/'))) await writer.WriteEntryAsync(entry);
            }
        }
        return archive.ToArray();
    }

    /// <summary>Imports it under a name.</summary>
    public static async Task ImportBusyboxAsync(this TestEngine engine, string name = "busybox", params (string Name, string Target)[] links)
    {
        byte[] archive = links.Length == 0 ? await BusyboxAsync() : await WithLinksAsync(links);
        var content = new ByteArrayContent(archive) { Headers = { ContentType = new("application/x-tar") } };
        var answer = await engine.Http.PostAsync($"/images/create?fromSrc=-&repo={Uri.EscapeDataString(name)}", content);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode && !text.Contains("errorDetail", StringComparison.Ordinal), text);
    }
}
