using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gantry.Integration.Harness;
using Xunit.Abstractions;

namespace Gantry.Integration;

/// <summary>Loads and deletes of images that are cut off by the end of the daemon. <c>GANTRY_TEST_IMAGE_KILLS</c> says how often.</summary>
public sealed class ImageSurvivalTests(ITestOutputHelper output)
{
    private const int Workers = 3, Images = 3, Forms = 4;
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("GANTRY_TEST_IMAGE_KILLS") is { Length: > 0 } count ? count : "5", CultureInfo.InvariantCulture);

    /// <summary>All workers load the same images, each under names of its own, and all images stand on one layer: what one deletes another may just be loading.</summary>
    private static readonly MadeImage[] Made = MakeImages();

    private readonly ConcurrentQueue<string> wrong = new();

    /// <summary>The forms that an image of that name comes in.</summary>
    private readonly Dictionary<string, byte[][]> archives = Enumerable.Range(0, Workers).SelectMany(w => Enumerable.Range(0, Images).Select(i => NameOf(w, i))).ToDictionary(n => n, FormsOf);

    private int loads, deletes, cut;

    /// <summary>Whether the image of a name was reported loaded or deleted last; null while that is under way, or when it was cut off.</summary>
    private readonly ConcurrentDictionary<string, bool?> expected = new();

    private static MadeImage[] MakeImages()
    {
        var shared = MadeLayer.Make("shared", 40_000, 10);
        return [.. Enumerable.Range(0, Images).Select(i => new MadeImage([shared, .. Enumerable.Range(0, i + 2).Select(l => MadeLayer.Make($"image{i}-{l}", 20_000, 12))]))];
    }

    private static string NameOf(int worker, int image) => $"kill/w{worker}:i{image}";

    private static byte[][] FormsOf(string name)
    {
        byte[][] plain = [ImageOf(name).DockerArchive(name), ImageOf(name).OciLayout(name)];
        return [.. plain, .. plain.Select(MadeLayer.Gzip)];
    }

    private static MadeImage ImageOf(string name) => Made[name[^1] - '0'];

    [Fact]
    public async Task Killed_in_the_middle_of_loads_and_deletes_the_next_start_serves_what_was_reported_done_and_holds_nothing_else()
    {
        await using var engine = await TestEngine.StartAsync();
        var random = new Random(5);
        foreach (string name in archives.Keys) expected[name] = false;
        for (int kill = 0; kill < Kills; kill++)
        {
            int seed = random.Next();
            var workers = Enumerable.Range(0, Workers).Select(w => Task.Run(() => WorkAsync(engine, w, new Random(seed + w)))).ToArray();
            int enough = Volatile.Read(ref loads) + Volatile.Read(ref deletes) + random.Next(5);
            await Eventually.IsAsync(() => Volatile.Read(ref loads) + Volatile.Read(ref deletes) >= enough || !wrong.IsEmpty);
            await Task.Delay(random.Next(150));
            await engine.KillDaemonAsync();
            await Task.WhenAll(workers);
            await engine.StartDaemonAsync();
            Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
            await CheckNamesAsync(engine);
            if (kill % 3 == 2 && kill < Kills - 1) continue;   // the next kill meets a daemon that still takes leftovers away
            await CheckStoreAsync(engine);
            await CheckDiskUsageAsync(engine);
            await CheckContentAsync(engine);
        }
        foreach (string name in expected.Where(e => e.Value == true).Select(e => e.Key)) Assert.Equal(200, (await engine.DeleteAsync($"/images/{name}")).Status);
        Assert.Empty(Names(Path.Combine(engine.DataRoot, "layers")));
        Assert.Empty(Names(Path.Combine(engine.DataRoot, "content/blobs/sha256")));
        output.WriteLine($"{Kills} kills: {loads} loads and {deletes} deletes were reported done, {cut} were cut off");
    }

    /// <summary>Loads images and deletes them until the daemon has gone.</summary>
    private async Task WorkAsync(TestEngine engine, int worker, Random random)
    {
        try
        {
            while (true)
            {
                string name = NameOf(worker, random.Next(Images));
                bool isThere = expected[name]!.Value;
                expected[name] = null;
                if (isThere) await DeleteAsync(engine, name);
                else await LoadAsync(engine, name, archives[name][random.Next(Forms)]);
                expected[name] = !isThere;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            Interlocked.Increment(ref cut);
        }
    }

    private async Task DeleteAsync(TestEngine engine, string name)
    {
        var answer = await engine.DeleteAsync($"/images/{name}");
        if (answer.Status != 200) wrong.Enqueue($"delete of {name}: {answer.Status} {answer.Body}");
        Interlocked.Increment(ref deletes);
    }

    private async Task LoadAsync(TestEngine engine, string name, byte[] archive)
    {
        var answer = await engine.SendAsync(HttpMethod.Post, "/images/load", new ByteArrayContent(archive) { Headers = { ContentType = new("application/x-tar") } });
        if (answer.Status != 200 || !answer.Body.Contains($"Loaded image: {name}", StringComparison.Ordinal)) wrong.Enqueue($"load of {name}: {answer.Status} {answer.Body}");
        Interlocked.Increment(ref loads);
    }

    /// <summary>What was reported loaded has its name, what was reported deleted has not, and what was cut off is one or the other.</summary>
    private async Task CheckNamesAsync(TestEngine engine)
    {
        var listed = (await engine.GetAsync("/images/json")).Result.EnumerateArray()
            .SelectMany(i => i.GetProperty("RepoTags").EnumerateArray().Select(t => (Name: t.GetString()!, Id: i.GetProperty("Id").GetString()!))).ToDictionary(p => p.Name, p => p.Id);
        Assert.Empty(listed.Keys.Except(expected.Keys));
        foreach (var (name, isThere) in expected)
        {
            string? id = listed.GetValueOrDefault(name);
            if (isThere is { } known) Assert.True(known == id is not null, $"{name} was reported {(known ? "loaded" : "deleted")}, and is {(known ? "not there" : "there")}");
            if (id is not null) Assert.Equal(ImageOf(name).Id, id);
            expected[name] = id is not null;
        }
    }

    /// <summary>The images with names, each once. A delete that was cut off may have left one without: a prune takes it.</summary>
    private async Task<List<MadeImage>> SurvivorsAsync(TestEngine engine)
    {
        _ = (await engine.PostAsync("/images/prune")).Result;
        var images = expected.Where(e => e.Value == true).Select(e => ImageOf(e.Key)).Distinct().ToList();
        Assert.Equal(images.Select(i => i.Id).Order(), (await engine.GetAsync("/images/json?all=1")).Result.EnumerateArray().Select(i => i.GetProperty("Id").GetString()!).Order());
        return images;
    }

    /// <summary>After a prune the store has the documents and the layers of the images with names, and no file besides.</summary>
    private async Task CheckStoreAsync(TestEngine engine)
    {
        var images = await SurvivorsAsync(engine);
        string layers = Path.Combine(engine.DataRoot, "layers");
        await Eventually.IsAsync(() => Directory.GetDirectories(layers, "tmp-*").Length == 0);   // deleted behind the start
        Assert.Equal(images.SelectMany(ChainsOf).Distinct().Order(), Names(layers));
        Assert.Equal(images.Select(i => i.Id[7..]).Order(), Names(Path.Combine(engine.DataRoot, "content/blobs/sha256")));
        Assert.Empty(Names(Path.Combine(engine.DataRoot, "content/ingest")));
    }

    private static IEnumerable<string> Names(string folder) => Directory.GetFileSystemEntries(folder).Select(e => Path.GetFileName(e)).Order();

    /// <summary>The names of an image's layers in the store (OCI image spec, "Layer ChainID").</summary>
    private static IEnumerable<string> ChainsOf(MadeImage image)
    {
        string chain = "";
        foreach (var layer in image.Content)
        {
            chain = chain.Length == 0 ? layer.Diff : MadeLayer.DigestOf(Encoding.ASCII.GetBytes($"{chain} {layer.Diff}"));
            yield return chain[7..];
        }
    }

    /// <summary>What <c>df</c> says is the sum of the files that are there.</summary>
    private async Task CheckDiskUsageAsync(TestEngine engine)
    {
        var images = await SurvivorsAsync(engine);
        var usage = (await engine.GetAsync("/system/df")).Result;
        long onDisk = Directory.EnumerateFiles(Path.Combine(engine.DataRoot, "layers"), "*", SearchOption.AllDirectories).Where(f => f.Contains("/diff/", StringComparison.Ordinal)).Sum(f => new FileInfo(f).Length);
        Assert.Equal(onDisk, usage.GetProperty("LayersSize").GetInt64());
        Assert.Equal(images.SelectMany(i => i.Content).DistinctBy(l => l.Diff).Sum(l => l.Size), onDisk);
        var rows = usage.GetProperty("Images").EnumerateArray().Select(i => (i.GetProperty("Id").GetString()!, i.GetProperty("Size").GetInt64(), i.GetProperty("SharedSize").GetInt64()));
        var wanted = images.Select(i => (i.Id, i.Content.Sum(l => l.Size), images.Count > 1 ? i.Content[0].Size : 0));
        Assert.Equal(wanted.Order(), rows.Order());
    }

    /// <summary>Every image that is left can be saved, and its layers are what they were to the byte.</summary>
    private async Task CheckContentAsync(TestEngine engine)
    {
        foreach (string name in expected.Where(e => e.Value == true).Select(e => e.Key))
        {
            var blobs = new List<string>();
            await using var saved = await engine.Http.GetStreamAsync($"/v1.51/images/{name}/get");
            await using var archive = new TarReader(saved);
            while (await archive.GetNextEntryAsync() is { } entry)
            {
                if (!entry.Name.StartsWith("blobs/sha256/", StringComparison.Ordinal) || entry.DataStream is null) continue;
                string hex = Convert.ToHexStringLower(await SHA256.HashDataAsync(entry.DataStream));
                Assert.Equal(entry.Name, "blobs/sha256/" + hex);
                blobs.Add("sha256:" + hex);
            }
            Assert.Empty(ImageOf(name).Content.Select(l => l.Diff).Append(ImageOf(name).Id).Except(blobs));
        }
    }
}
