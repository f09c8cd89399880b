using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Integration.Harness;
using Gantry.Linux.Files;

namespace Gantry.Integration;

/// <summary>A whole tree goes through everything that moves files and comes out as it was: owners, modes, times, links, devices, attributes, long names.</summary>
public sealed class FidelityTests
{
    private static readonly HashSet<string> MountPoints = new(StringComparer.Ordinal) { "dev", "dev/console", "dev/pts", "dev/shm", "proc", "sys", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv" };

    private const string Script = """
        set -e; cd "$1"
        mkdir -p dir/$(printf %0200d 1)/$(printf %0200d 2); touch dir/$(printf %0200d 1)/$(printf %0200d 2)/file
        echo content > a; ln a b; ln -s a link; ln -s ../../nowhere dangling; mkfifo pipe; mknod null c 1 3; mknod disk b 8 1
        cp /bin/true capable
        echo x > owned; chown 12345:54321 owned; chmod 6751 owned; chmod 1777 dir
        truncate -s 20M sparse; echo end >> sparse; : > empty; printf 'odd' > "$(printf 'new\nline\377')"
        touch -d @1234567890.123456789 a; touch -h -d @987654321 link; touch -d @1000000000 dir
        """;

    private static SortedDictionary<string, string> Read(byte[] archive)
    {
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var reader = new TarReader(new StreamSource(new MemoryStream(archive)));
        while (reader.MoveNext())
        {
            var entry = reader.Entry;
            string name = Name(entry.Name);
            if (name.Length == 0 || MountPoints.Contains(name)) continue;
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (ReadOnlySpan<byte> content; !(content = reader.Content()).IsEmpty; reader.Consume(content.Length)) hash.AppendData(content);
            string attributes = string.Join(' ', entry.Attributes.Select(a => $"{Encoding.UTF8.GetString(a.Name)}={Convert.ToHexString(a.Value)}").Order(StringComparer.Ordinal));
            entries[name] = $"{entry.Type} {Convert.ToString((int)entry.Permissions, 8)} {entry.Owner}:{entry.Group} {entry.Size} {entry.Modified} {entry.Device} {(entry.Type == TarEntryType.HardLink ? Name(entry.LinkName) : FilePath.Printable(entry.LinkName))} {attributes} {Convert.ToHexString(hash.GetHashAndReset())}";
        }
        return entries;
    }

    private static string Name(byte[] name)
    {
        string text = FilePath.Printable(name);
        return (text.StartsWith("./", StringComparison.Ordinal) ? text[2..] : text).TrimEnd('/');
    }

    [NeedsFact("tar")]
    public async Task Import_export_copy_commit_save_and_load_keep_everything()
    {
        await using var engine = await TestEngine.StartAsync();
        string tree = engine.Path("tree");
        Directory.CreateDirectory(tree);
        var made = await Programs.RunAsync("sh", ["-c", Script, "sh", tree]);
        Assert.True(made.ExitCode == 0, made.Error);
        using (var root = DirectoryFd.Open(tree))
        {
            // cap_net_raw, permitted and effective, as the kernel keeps it (capabilities(7), VFS_CAP_REVISION_2).
            ExtendedAttributes.TrySet(root, "capable", "security.capability", Convert.FromHexString("0100000200200000000000000000000000000000")).Check("set capability");
            ExtendedAttributes.TrySet(root, "owned", "user.note", "hello"u8).Check("set attribute");
            ExtendedAttributes.TrySet(root, "dir", "trusted.note", "hidden"u8).Check("set attribute");
        }
        await Programs.RunAsync("tar", ["-C", tree, "--sort=name", "--format=pax", "--pax-option=delete=atime,delete=ctime", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-cf", engine.Path("tree.tar"), "."]);
        using (var parent = DirectoryFd.Open(engine.Path("."))) TreeRemoval.Remove(parent, "tree");   // a name in it is no text
        byte[] original = await File.ReadAllBytesAsync(engine.Path("tree.tar"));
        var expected = Read(original);
        Assert.True(expected.Count > 15, string.Join('\n', expected.Keys));

        byte[] exported = await ExportAsync(await ImportAsync(original));
        Assert.Equal(expected, Read(exported));

        // Into the writable layer of an empty container, into a layer, into an archive and back.
        string empty = await ImportAsync(new byte[1024]);
        using (var put = await engine.Http.PutAsync($"/v1.51/containers/{empty}/archive?path=/", Tar(exported))) Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        string image = (await engine.PostAsync($"/commit?container={empty}&repo=whole")).Result.GetProperty("Id").GetString()!;
        byte[] saved = await engine.Http.GetByteArrayAsync("/v1.51/images/whole/get");
        await engine.RemoveAsync(empty);
        _ = (await engine.DeleteAsync("/images/whole")).Result;
        using (var load = await engine.Http.PostAsync("/v1.51/images/load", Tar(saved))) Assert.Contains("Loaded image: whole:latest", await load.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(image, (await engine.GetAsync("/images/whole/json")).Result.GetProperty("Id").GetString());
        Assert.Equal(expected, Read(await ExportAsync(await CreateAsync("whole"))));

        async Task<string> ImportAsync(byte[] archive)
        {
            using var answer = await engine.Http.PostAsync("/v1.51/images/create?fromSrc=-", Tar(archive));
            string text = await answer.Content.ReadAsStringAsync();
            int at = text.IndexOf("sha256:", StringComparison.Ordinal);
            Assert.True(at >= 0, text);
            return await CreateAsync(text.Substring(at, 71));
        }

        Task<string> CreateAsync(string name) => engine.CreateAsync(new JsonObject { ["Image"] = name, ["Cmd"] = new JsonArray("x") });

        Task<byte[]> ExportAsync(string container) => engine.Http.GetByteArrayAsync($"/v1.51/containers/{container}/export");

        static ByteArrayContent Tar(byte[] archive) => new(archive) { Headers = { ContentType = new("application/x-tar") } };
    }
}
