using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Gantry.Bench.Scenarios;

/// <summary>Archives made for measurements: files of random bytes, so that nothing is shared or sparse.</summary>
internal static class Archives
{
    /// <summary>A layer tar with so many files of that size in folders of a hundred.</summary>
    public static void WriteLayer(Stream to, string folder, int files, int size)
    {
        using var tar = new TarWriter(to, TarEntryFormat.Pax, leaveOpen: true);
        byte[] content = new byte[size];
        tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, folder));
        for (int i = 0; i < files; i++)
        {
            if (i % 100 == 0) tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, $"{folder}/{i / 100}"));
            RandomNumberGenerator.Fill(content.AsSpan(0, Math.Min(size, 4096)));
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"{folder}/{i / 100}/f{i}") { DataStream = new MemoryStream(content) });
        }
    }

    /// <summary>A docker-archive (as <c>docker save</c> writes it) of layers that a function writes.</summary>
    public static async Task<string> DockerArchiveAsync(string tag, int layers, Action<int, Stream> writeLayer)
    {
        string folder = Directory.CreateTempSubdirectory("bench-archive-").FullName, path = folder + ".tar";
        try
        {
            var diffIds = new JsonArray();
            var names = new JsonArray();
            await using (var tar = new TarWriter(File.Create(path), TarEntryFormat.Pax))
            {
                for (int i = 0; i < layers; i++)
                {
                    string layer = Path.Combine(folder, "layer.tar");
                    await using (var stream = File.Create(layer)) writeLayer(i, stream);
                    await using (var stream = File.OpenRead(layer)) diffIds.Add("sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(stream)));
                    string name = $"layer{i}/layer.tar";
                    names.Add(name);
                    await using var content = File.OpenRead(layer);
                    await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content });
                }
                var config = new JsonObject
                {
                    ["architecture"] = "amd64", ["os"] = "linux", ["created"] = "2024-01-01T00:00:00Z",
                    ["config"] = new JsonObject { ["Cmd"] = new JsonArray("/bin/true"), ["Env"] = new JsonArray("PATH=/bin") },
                    ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = diffIds },
                };
                await WriteAsync(tar, "config.json", config);
                await WriteAsync(tar, "manifest.json", new JsonArray(new JsonObject { ["Config"] = "config.json", ["RepoTags"] = new JsonArray(tag), ["Layers"] = names }));
            }
            return path;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task WriteAsync(TarWriter tar, string name, JsonNode document) =>
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(document.ToJsonString())) });
}
