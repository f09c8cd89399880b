using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Gantry.Integration.Builds;

/// <summary>Builds on some engine, and what is to be said of the result that does not depend on when and where it was built.</summary>
internal static partial class BuiltImage
{
    /// <summary>The image that all cases stand on.</summary>
    public const string Base = "dockerfile-base:latest";

    /// <returns>The stream's messages put together, ids replaced; an HTTP error is its status and text.</returns>
    public static async Task<string> BuildAsync(HttpClient engine, byte[] context, params IEnumerable<(string Name, string Value)> query)
    {
        string parameters = string.Join('&', query.Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value)}"));
        using var content = new ByteArrayContent(context) { Headers = { ContentType = new("application/x-tar") } };
        using var answer = await engine.PostAsync($"/v1.51/build?{parameters}", content);
        string text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode) return $"{(int)answer.StatusCode}: {JsonNode.Parse(text)!["message"]}";
        var output = new StringBuilder();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var message = JsonNode.Parse(line)!;
            if (message["stream"] is { } stream) output.Append(stream);
            else if (message["aux"] is { } aux) output.Append($"aux {aux.ToJsonString()}\n");
            else if (message["errorDetail"] is { } error) output.Append($"error {error["code"]} {error["message"]}\n");
            else if (message["progressDetail"] is null) output.Append(message.ToJsonString() + "\n");
        }
        // How a command's writes fall into messages is chance.
        output.Replace("\u001b[0m\u001b[91m", "");
        return Id().Replace(WholeId().Replace(output.ToString(), "sha256:ID"), "ID");
    }

    [GeneratedRegex("sha256:[0-9a-f]{64}")]
    private static partial Regex WholeId();

    [GeneratedRegex("\\b[0-9a-f]{12}\\b")]
    private static partial Regex Id();

    /// <summary>Configuration, history and files of an image.</summary>
    public static async Task<JsonObject> DescribeAsync(HttpClient engine, string name, bool filesOnly)
    {
        byte[] saved = await engine.GetByteArrayAsync($"/v1.51/images/{Uri.EscapeDataString(name)}/get");
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using (var reader = new TarReader(new MemoryStream(saved)))
        {
            while (reader.GetNextEntry(copyData: true) is { } entry)
            {
                if (entry.DataStream is { } data) files[entry.Name] = Bytes(data);
            }
        }
        var manifest = JsonNode.Parse(files["manifest.json"])![0]!;
        var layers = manifest["Layers"]!.AsArray().Select(l => files[(string)l!]).ToList();
        var described = new JsonObject { ["tree"] = new JsonArray([.. Tree(layers, filesOnly).Select(l => (JsonNode)l)]) };
        if (filesOnly) return described;
        var document = JsonNode.Parse(files[(string)manifest["Config"]!])!.AsObject();
        described["layers"] = layers.Count;
        described["os"] = document["os"]?.DeepClone();
        described["architecture"] = document["architecture"]?.DeepClone();
        described["author"] = document["author"]?.DeepClone();
        described["config"] = Config(document["config"]!);
        described["container_config"] = document["container_config"] is { } container ? Config(container) : null;
        described["history"] = new JsonArray([.. document["history"]!.AsArray().Select(h => History(h!.AsObject()))]);
        return described;
    }

    private static JsonObject Config(JsonNode config)
    {
        var copy = config.DeepClone().AsObject();
        copy.Remove("Image");
        copy.Remove("Hostname");
        return copy;
    }

    private static JsonObject History(JsonObject step)
    {
        var copy = new JsonObject(step.Where(p => p.Key != "created").OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
        // A directory's checksum is also that of the links in it, which dockerd leaves out.
        if ((string?)copy["created_by"] is { } by) copy["created_by"] = DirectoryChecksum().Replace(by, "dir:SUM");
        return copy;
    }

    [GeneratedRegex("\\b(dir|multi):[0-9a-f]{64}")]
    private static partial Regex DirectoryChecksum();

    private static byte[] Bytes(Stream data)
    {
        using var copy = new MemoryStream();
        data.CopyTo(copy);
        return copy.ToArray();
    }

    /// <summary>What layers above the first show: a line for each path, with type, mode, owner, size, checksum, link and attributes.</summary>
    private static IEnumerable<string> Tree(List<byte[]> layers, bool newOnly)
    {
        var lowest = new HashSet<string>(StringComparer.Ordinal);
        var shown = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < layers.Count; i++)
        {
            using var reader = new TarReader(new MemoryStream(layers[i]));
            while (reader.GetNextEntry(copyData: true) is { } entry)
            {
                string path = "/" + entry.Name.TrimEnd('/').TrimStart('.').TrimStart('/');
                if (i == 0) lowest.Add(path);
                else Show(entry, path, shown, lowest);
            }
        }
        // BuildKit lists directories of the base image that nothing has changed.
        if (newOnly) foreach (string path in lowest.Where(p => shown.TryGetValue(p, out string? line) && line.StartsWith('d'))) shown.Remove(path);
        return shown.Select(s => $"{s.Key} {s.Value}");
    }

    private static void Show(TarEntry entry, string path, SortedDictionary<string, string> shown, HashSet<string> lowest)
    {
        string name = path[(path.LastIndexOf('/') + 1)..];
        if (name == ".wh..wh..opq")
        {
            shown[path[..^name.Length] + "*"] = "hidden";
            return;
        }
        if (name.StartsWith(".wh.", StringComparison.Ordinal))
        {
            path = path[..^name.Length] + name[4..];
            foreach (string gone in shown.Keys.Where(k => k == path || k.StartsWith(path + "/", StringComparison.Ordinal)).ToList()) shown.Remove(gone);
            if (lowest.Contains(path)) shown[path] = "deleted";
            return;
        }
        byte[] content = entry.DataStream is { } data ? Bytes(data) : [];
        string time = entry.ModificationTime.Year > 2025 ? "now" : entry.ModificationTime.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        string attributes = string.Concat(((entry as PaxTarEntry)?.ExtendedAttributes ?? new Dictionary<string, string>()).Where(a => a.Key.StartsWith("SCHILY.xattr.", StringComparison.Ordinal))
            .OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $" {a.Key[13..]}={Convert.ToHexStringLower(Encoding.UTF8.GetBytes(a.Value))}"));
        string what = entry.EntryType switch
        {
            TarEntryType.Directory => "d",
            TarEntryType.SymbolicLink => "l",
            TarEntryType.HardLink => "h",
            TarEntryType.Fifo => "p",
            TarEntryType.CharacterDevice => "c",
            TarEntryType.BlockDevice => "b",
            _ => "f",
        };
        string detail = what switch
        {
            "l" or "h" => " -> " + entry.LinkName.TrimStart('/'),
            "f" => $" {content.Length} {Convert.ToHexStringLower(SHA256.HashData(content))[..16]}",
            _ => "",
        };
        shown[path] = $"{what} {Convert.ToString((int)entry.Mode, 8)} {entry.Uid}:{entry.Gid} {time}{detail}{attributes}";
    }

    /// <summary>Text for a file that people read.</summary>
    public static string Format(JsonNode node) => node.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
}
