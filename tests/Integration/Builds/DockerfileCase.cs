using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Gantry.Integration.Builds;

/// <summary>A small Dockerfile with its context, as <c>Dockerfiles/NAME.case</c> describes it; <c>Dockerfiles/README.md</c> has the form.</summary>
internal sealed class DockerfileCase
{
    /// <summary>When all files of contexts were changed last.</summary>
    public static readonly DateTimeOffset Modified = new(2021, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly List<string[]> entries = [];

    private DockerfileCase(string name) => Name = name;

    public string Name { get; }

    /// <summary>Parameters of the request.</summary>
    public List<(string Name, string Value)> Query { get; } = [];

    /// <summary>Images that are made beforehand, each by a Dockerfile without a context.</summary>
    public List<(string Name, string Dockerfile)> Images { get; } = [];

    public string Dockerfile { get; private set; } = "";

    /// <summary>dockerd's classic builder cannot do this: BuildKit made the expectation, and only the files are compared.</summary>
    public bool IsBeyondClassic { get; private set; }

    /// <summary>What the cache answers to a second build is not compared: dockerd forgets.</summary>
    public bool IsBuiltOnce { get; private set; }

    public static DockerfileCase Read(string path) => Parse(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path));

    public static DockerfileCase Parse(string name, string content)
    {
        var result = new DockerfileCase(name);
        string[] sections = ("\n" + content).Split("\n=== ");
        foreach (string line in sections[0].Split('\n').Where(l => l.Length > 0 && !l.StartsWith('#'))) result.ReadLine(line);
        foreach (string section in sections[1..])
        {
            int end = section.IndexOf('\n', StringComparison.Ordinal);
            string head = section[..end], text = section[(end + 1)..];
            if (head == "Dockerfile") result.Dockerfile = text;
            else result.Images.Add((head["image ".Length..], text + "\n"));
        }
        return result;
    }

    private void ReadLine(string line)
    {
        string[] words = line.Split(' ', 2);
        if (words[0] == "query") Query.Add((words[1].Split('=', 2)[0], words[1].Split('=', 2)[1]));
        else if (line == "beyond classic") IsBeyondClassic = true;
        else if (line == "once") IsBuiltOnce = true;
        else entries.Add(line.Split(' ', words[0] is "file" or "tar" ? 4 : 3));
    }

    private static string Unescape(string text) => text.Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\0", "\0", StringComparison.Ordinal);

    /// <summary>The archive that a client would send.</summary>
    public byte[] Context()
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            Write(writer, TarEntryType.RegularFile, "Dockerfile", 0x1a4, Encoding.UTF8.GetBytes(Dockerfile));
            foreach (string[] entry in entries)
            {
                string name = Unescape(entry[1]);
                switch (entry[0])
                {
                    case "file": Write(writer, TarEntryType.RegularFile, name, Convert.ToInt32(entry[2], 8), Encoding.UTF8.GetBytes(Unescape(entry.Length > 3 ? entry[3] : ""))); break;
                    case "dir": Write(writer, TarEntryType.Directory, name + "/", Convert.ToInt32(entry[2], 8)); break;
                    case "fifo": Write(writer, TarEntryType.Fifo, name, Convert.ToInt32(entry[2], 8)); break;
                    case "link": Write(writer, TarEntryType.SymbolicLink, name, 0x1ff, link: entry[2]); break;
                    case "hard": Write(writer, TarEntryType.HardLink, name, 0x1a4, link: entry[2]); break;
                    case "tar": Write(writer, TarEntryType.RegularFile, name, 0x1a4, Inner(entry[2], entry[3])); break;
                    case "capability": Write(writer, TarEntryType.RegularFile, name, Convert.ToInt32(entry[2], 8), "x"u8.ToArray(), capability: true); break;
                    default: throw new InvalidDataException($"{Name}: {string.Join(' ', entry)}");
                }
            }
        }
        return archive.ToArray();
    }

    /// <summary>An archive in the context: <c>name=content</c> and <c>name@owner=content</c>, with <c>;</c> between.</summary>
    private static byte[] Inner(string compression, string members)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (string member in members.Split(';'))
            {
                string[] parts = member.Split('=', 2), names = parts[0].Split('@');
                int owner = names.Length > 1 ? int.Parse(names[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
                if (parts.Length == 1) Write(writer, TarEntryType.Directory, names[0] + "/", 0x1e8, owner: owner);
                else if (parts[1].StartsWith('>')) Write(writer, TarEntryType.SymbolicLink, names[0], 0x1ff, link: parts[1][1..], owner: owner);
                else Write(writer, TarEntryType.RegularFile, names[0], 0x1a0, Encoding.UTF8.GetBytes(parts[1]), owner: owner);
            }
        }
        if (compression == "none") return archive.ToArray();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(archive.ToArray());
        return compressed.ToArray();
    }

    private static void Write(TarWriter writer, TarEntryType type, string name, int mode, byte[]? content = null, string? link = null, int owner = 0, bool capability = false)
    {
        var attributes = new Dictionary<string, string>();
        // cap_net_raw=ep, revision 2
        if (capability) attributes["SCHILY.xattr.security.capability"] = Encoding.Latin1.GetString([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        TarEntry entry = writer.Format == TarEntryFormat.Ustar ? new UstarTarEntry(type, name) : new PaxTarEntry(type, name, attributes);
        entry.Mode = (UnixFileMode)mode;
        entry.Uid = entry.Gid = owner;
        entry.ModificationTime = Modified;
        if (content is not null) entry.DataStream = new MemoryStream(content);
        if (link is not null) entry.LinkName = link;
        writer.WriteEntry(entry);
    }
}
