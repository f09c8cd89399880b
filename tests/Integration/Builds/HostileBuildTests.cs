using System.Formats.Tar;
using System.Text;
using Gantry.Integration.Harness;
using static Gantry.Integration.Builds.BuildRequests;

namespace Gantry.Integration.Builds;

/// <summary>Dockerfiles and contexts from the enemy: a clear error or a harmless image, nothing written outside, memory flat.</summary>
public sealed class HostileBuildTests(BuilderFixture fixture) : IClassFixture<BuilderFixture>
{
    private const string Base = "FROM dockerfile-base\n";

    private readonly TestEngine engine = fixture.Engine;

    private string Outside(string name) => engine.Path("outside-" + name);

    private long ResidentBytes() => File.ReadLines($"/proc/{engine.ProcessId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)) is var line
        ? long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024 : 0;

    [NeedsFact("busybox")]
    public async Task Garbage_for_a_dockerfile_is_refused_or_harmless()
    {
        var random = new Random(5);
        const string Alphabet = "FROMRUNCOPYADDENVARG dockerfile-base \"'\\$={}[]:-+?<>EOF\n\n\t#/%`!&|";
        for (int round = 0; round < 60; round++)
        {
            string text = (round % 2 == 0 ? Base : "") + string.Concat(Enumerable.Range(0, random.Next(200)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            string output = await engine.BuildAsync(Context(text));
            Assert.True(output.StartsWith("400: ", StringComparison.Ordinal) || output.Contains("error ", StringComparison.Ordinal) || output.Contains("Successfully built", StringComparison.Ordinal), $"{text}\n→ {output}");
        }
        byte[] bytes = new byte[5000];
        random.NextBytes(bytes);
        Assert.StartsWith("400: ", await engine.BuildAsync(Context(Encoding.Latin1.GetString(bytes))), StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task A_dockerfile_of_a_hundred_megabytes_is_refused_and_memory_stays_flat()
    {
        await engine.BuildAsync(Context(Base));
        long before = ResidentBytes();
        Assert.Equal("400: Dockerfile is larger than 4194304 bytes, the limit", await engine.BuildAsync(Context(Base + string.Concat(Enumerable.Repeat("RUN true\n", 11_000_000)))));
        Assert.StartsWith("400: failed to parse Dockerfile: dockerfile line greater than max allowed size of 65535", await engine.BuildAsync(Context(Base + "RUN " + new string('x', 70_000) + "\n")), StringComparison.Ordinal);
        Assert.InRange(ResidentBytes() - before, long.MinValue, 150L << 20);
    }

    [NeedsFact("busybox")]
    public async Task A_context_is_never_held_in_memory()
    {
        await engine.BuildAsync(Context(Base));
        long before = ResidentBytes();
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            writer.WriteEntry(new ContextEntry("Dockerfile", Base + "COPY big /big\n").ToTar());
            byte[] big = new byte[250 << 20];
            new Random(1).NextBytes(big);
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "big") { DataStream = new MemoryStream(big) });
        }
        Assert.Contains("Successfully built", await engine.BuildAsync(archive.ToArray()), StringComparison.Ordinal);
        Assert.InRange(ResidentBytes() - before, long.MinValue, 150L << 20);
    }

    [NeedsFact("busybox")]
    public async Task Nothing_in_a_context_reaches_out_of_it()
    {
        string outside = Outside("file");
        await File.WriteAllTextAsync(outside, "untouched");
        string folder = Path.GetDirectoryName(outside)!;
        ContextEntry[][] attacks =
        [
            [new("../" + Path.GetFileName(outside), "x")],
            [new("../../../../../.." + outside, "x")],
            [new(outside, "x")],
            [new("l") { Type = TarEntryType.SymbolicLink, Link = folder }, new("l/" + Path.GetFileName(outside), "x")],
            [new("l") { Type = TarEntryType.SymbolicLink, Link = "../../../../../.." + folder }, new("l/" + Path.GetFileName(outside), "x")],
            [new("l") { Type = TarEntryType.SymbolicLink, Link = outside }, new("l", "x")],
            [new("h") { Type = TarEntryType.HardLink, Link = outside }, new("h", "x")],
            [new("h") { Type = TarEntryType.HardLink, Link = "../../../../../.." + outside }],
            [new("d/") { Type = TarEntryType.Directory }, new("d") { Type = TarEntryType.SymbolicLink, Link = folder }, new("d/" + Path.GetFileName(outside), "x")],
        ];
        foreach (var attack in attacks)
        {
            string output = await engine.BuildAsync(Archive([new("Dockerfile", Base + "COPY . /c\n"), .. attack]));
            Assert.True(output.StartsWith("500: Error processing tar file", StringComparison.Ordinal) || output.Contains("Successfully built", StringComparison.Ordinal), output);
            Assert.Equal("untouched", await File.ReadAllTextAsync(outside));
        }
        Assert.Empty(engine.BuildFolders());
    }

    [NeedsFact("busybox")]
    public async Task Copies_through_links_stay_in_the_context_and_in_the_image()
    {
        string secret = Outside("secret");
        await File.WriteAllTextAsync(secret, "secret");
        string output = await engine.BuildAsync(Archive(
            new("Dockerfile", Base + $"RUN ln -s {Path.GetDirectoryName(secret)} /out && ln -s ../../../../../../.. /up\nCOPY f /out/written\nCOPY f /up/root\nCOPY d /out/\n"),
            new("f", "x"), new("d/", null) { Type = TarEntryType.Directory, Mode = 0x1ed }, new("d/g", "y")), $"{DefaultQuery}&t=through-links");
        Assert.Contains("Successfully tagged", output, StringComparison.Ordinal);
        Assert.Equal("xxy", await engine.ReadAsync("through-links", $"cat {Path.GetDirectoryName(secret)}/written /root/f {Path.GetDirectoryName(secret)}/g"));
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(secret)!, "written")));
        foreach (string link in (string[])[secret, "../../../../../../../.." + secret])
        {
            output = await engine.BuildAsync(Archive(new("Dockerfile", Base + "COPY l /x\n"), new("l") { Type = TarEntryType.SymbolicLink, Link = link }));
            Assert.Contains("error  COPY failed: file not found in build context or excluded by .dockerignore: stat l: file does not exist", output, StringComparison.Ordinal);
            output = await engine.BuildAsync(Context($"{Base}RUN ln -s {link} /l\n{Base}COPY --from=0 /l /x\n"));
            Assert.Contains("error  COPY failed: stat l: file does not exist", output, StringComparison.Ordinal);
        }
        string dockerfile = await engine.BuildAsync(Archive(new ContextEntry("Dockerfile") { Type = TarEntryType.SymbolicLink, Link = secret }));
        Assert.StartsWith("500: Cannot locate specified Dockerfile: Dockerfile", dockerfile, StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task Archives_that_add_unpacks_stay_in_the_image()
    {
        string outside = Outside("added");
        await File.WriteAllTextAsync(outside, "untouched");
        byte[] Context(params ContextEntry[] inner) => Archive(new("Dockerfile", Base + "ADD a.tar /to/\n"), new("a.tar", Encoding.Latin1.GetString(Archive(inner))));
        foreach (var inner in (ContextEntry[][])
            [[new("../" + outside, "x")], [new("l") { Type = TarEntryType.SymbolicLink, Link = Path.GetDirectoryName(outside) }, new("l/" + Path.GetFileName(outside), "x")], [new("h") { Type = TarEntryType.HardLink, Link = outside }]])
        {
            string output = await engine.BuildAsync(Context(inner));
            Assert.True(output.Contains("error ", StringComparison.Ordinal) || output.Contains("Successfully built", StringComparison.Ordinal), output);
            Assert.Equal("untouched", await File.ReadAllTextAsync(outside));
        }
    }

    [NeedsFact("busybox")]
    public async Task Odd_names_and_kinds_of_files_are_copied_as_they_are()
    {
        string output = await engine.BuildAsync(Archive(
            new("Dockerfile", Base + "COPY . /c/\n"),
            new("a\nb", "newline"), new(" ", "blank"), new("-rf", "dash"), new("*", "star"), new("\u00e9\U0001f600", "more than ASCII"), new("'\"\\", "quotes"), new(".wh.x", "no whiteout"),
            new("fifo") { Type = TarEntryType.Fifo }, new("null") { Type = TarEntryType.CharacterDevice }), $"{DefaultQuery}&t=odd-names");
        Assert.Contains("Successfully tagged", output, StringComparison.Ordinal);
        Assert.Equal("newlineblankdashstarmore than ASCIIquoteso\n", await engine.ReadAsync("odd-names", "cd /c; cat 'a\nb' ' ' ./-rf '*' '\u00e9\U0001f600' \"'\\\"\\\\\"; stat -c %F fifo | cut -c4"));
        output = await engine.BuildAsync(Archive(new("Dockerfile", Base + "COPY [\"a\\nb\", \"/x\"]\n"), new("a\nb", "newline")));
        Assert.Contains("Successfully built", output, StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task A_context_of_many_entries_is_built()
    {
        int entries = int.TryParse(Environment.GetEnvironmentVariable("GANTRY_CONTEXT_ENTRIES"), out int wanted) ? wanted : 5_000;
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            writer.WriteEntry(new ContextEntry("Dockerfile", Base + "COPY . /c\n").ToTar());
            for (int i = 0; i < entries; i++) writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, $"d{i % 100}/l{i}") { LinkName = "nowhere" });
        }
        Assert.Contains("Successfully tagged", await engine.BuildAsync(archive.ToArray(), $"{DefaultQuery}&t=many"), StringComparison.Ordinal);
        Assert.Equal($"{entries}\n", await engine.ReadAsync("many", "find /c -type l | wc -l"));
    }

    [NeedsTheory("busybox")]
    [InlineData("this is no archive at all, but rather a text of some length", "500: Error processing tar file: unexpected EOF")]
    [InlineData("", "500: Cannot locate specified Dockerfile: Dockerfile")]
    public async Task A_body_that_is_no_archive_is_refused(string body, string expected) => Assert.Equal(expected, await engine.BuildAsync(Encoding.UTF8.GetBytes(body)));
}
