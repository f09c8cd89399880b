using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Files into and out of containers, running and not (reference 4.12; golden 063, 064).</summary>
public sealed class CopyTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static byte[] Archive(params (string Name, string Content)[] files)
    {
        using var output = new MemoryStream();
        using (var writer = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, content) in files) writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        }
        return output.ToArray();
    }

    private Task<ApiAnswer> PutAsync(string container, string path, byte[] archive, string more = "") =>
        engine.SendAsync(HttpMethod.Put, $"/containers/{container}/archive?path={Uri.EscapeDataString(path)}{more}", new ByteArrayContent(archive) { Headers = { ContentType = new("application/x-tar") } });

    /// <summary>Names of an archive's entries with the content of its files.</summary>
    private async Task<SortedDictionary<string, string>> GetAsync(string container, string path)
    {
        byte[] archive = await engine.Http.GetByteArrayAsync($"/v1.51/containers/{container}/archive?path={Uri.EscapeDataString(path)}");
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var reader = new TarReader(new MemoryStream(archive));
        while (reader.GetNextEntry(copyData: true) is { } entry)
            entries[entry.Name] = entry.DataStream is { } data ? new StreamReader(data).ReadToEnd() : entry.LinkName is { Length: > 0 } link ? "-> " + link : "";
        return entries;
    }

    private async Task<JsonElement> StatAsync(string container, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, $"/v1.51/containers/{container}/archive?path={Uri.EscapeDataString(path)}");
        using var answer = await engine.Http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, answer.StatusCode.ToString());
        return JsonDocument.Parse(Convert.FromBase64String(answer.Headers.GetValues("X-Docker-Container-Path-Stat").Single())).RootElement;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_goes_in_comes_out_whether_it_runs_or_not(bool running)
    {
        string id = running ? await engine.RunAsync(Api.Script("sleep 1000")) : await engine.CreateAsync(Api.Script("true"));
        Assert.Equal(200, (await PutAsync(id, "/tmp", Archive(("d/a", "one"), ("d/sub/b", "two")))).Status);
        Assert.Equal(["d/=", "d/a=one", "d/sub/=", "d/sub/b=two"], (await GetAsync(id, "/tmp/d")).Select(e => $"{e.Key}={e.Value}"));
        Assert.Equal(["./=", "./a=one", "./sub/=", "./sub/b=two"], (await GetAsync(id, "/tmp/d/.")).Select(e => $"{e.Key}={e.Value}"));
        Assert.Equal(["a=one"], (await GetAsync(id, "/tmp/d/a")).Select(e => $"{e.Key}={e.Value}"));
        var gone = await engine.GetAsync($"/containers/{id}/archive?path=/no/such");
        Assert.Equal((404, $"Could not find the file /no/such in container {id}"), (gone.Status, gone.Message));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task The_header_tells_type_size_mode_and_where_a_link_leads()
    {
        string id = await engine.RunAsync(Api.Script("printf 123 > /f; chmod 4750 /f; mkdir /d; ln -s /d /l; ln -s l/x /m; echo; sleep 1000"));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length > 0);
        var file = await StatAsync(id, "/f");
        Assert.Equal(("f", 3, (1u << 23) | 0x1e8u, ""), (file.GetProperty("name").GetString(), file.GetProperty("size").GetInt32(), file.GetProperty("mode").GetUInt32(), file.GetProperty("linkTarget").GetString()));
        Assert.Equal(((1u << 31) | 0x1edu, "."), ((await StatAsync(id, "/d/.")).GetProperty("mode").GetUInt32(), (await StatAsync(id, "/d/.")).GetProperty("name").GetString()));
        var link = await StatAsync(id, "/m");
        Assert.Equal(((1u << 27) | 0x1ffu, "/d/x"), (link.GetProperty("mode").GetUInt32(), link.GetProperty("linkTarget").GetString()));
        Assert.Equal(["l=-> /d"], (await GetAsync(id, "/l")).Select(e => $"{e.Key}={e.Value}"));
        Assert.Equal(["l/"], (await GetAsync(id, "/l/")).Keys);
        await engine.RemoveAsync(id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_mounted_is_read_and_written_and_a_read_only_mount_is_not(bool running)
    {
        string host = engine.Path($"bound{running}");
        Directory.CreateDirectory(host);
        File.WriteAllText(host + "/there", "on the host");
        var hostConfig = new JsonObject { ["Binds"] = new JsonArray($"{host}:/bound", $"{host}:/frozen:ro", $"vol{running}:/volume"), ["ReadonlyRootfs"] = true };
        string id = await engine.CreateAsync(Api.Script("sleep 1000", hostConfig));
        if (running) _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        Assert.Equal("on the host", (await GetAsync(id, "/bound/there"))["there"]);
        Assert.Equal(["bound/", "bound/there"], (await GetAsync(id, "/bound")).Keys);
        Assert.Equal(200, (await PutAsync(id, "/bound", Archive(("made", "by cp")))).Status);
        Assert.Equal("by cp", File.ReadAllText(host + "/made"));
        Assert.Equal(200, (await PutAsync(id, "/volume", Archive(("v", "x")))).Status);
        Assert.Equal("x", File.ReadAllText($"{engine.DataRoot}/volumes/vol{running}/_data/v"));
        var frozen = await PutAsync(id, "/frozen", Archive(("no", "x")));
        Assert.Equal((400, "mounted volume is marked read-only"), (frozen.Status, frozen.Message));
        var root = await PutAsync(id, "/etc", Archive(("no", "x")));
        Assert.Equal((400, "container rootfs is marked read-only"), (root.Status, root.Message));
        Assert.False(File.Exists(host + "/no"));
        Assert.DoesNotContain(engine.DataRoot, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Bad_requests_get_dockerd_s_answers()
    {
        string id = await engine.CreateAsync(Api.Script("true"));
        var noPath = await engine.GetAsync($"/containers/{id}/archive");
        Assert.Equal((400, "bad parameter: path cannot be empty"), (noPath.Status, noPath.Message));
        var file = await PutAsync(id, "/etc/passwd", Archive(("x", "")));
        Assert.Equal((400, "extraction point is not a directory"), (file.Status, file.Message));
        Assert.Equal(404, (await PutAsync(id, "/nowhere", Archive(("x", "")))).Status);
        var through = await engine.GetAsync($"/containers/{id}/archive?path=/etc/passwd/x");
        Assert.Equal((500, "lstat /etc/passwd/x: not a directory"), (through.Status, through.Message));
        var garbage = await PutAsync(id, "/tmp", new byte[700].Select((_, i) => (byte)(i + 1)).ToArray());
        Assert.Equal((500, "archive/tar: invalid tar header"), (garbage.Status, garbage.Message));
        var kept = await PutAsync(id, "/", Archive(("tmp", "")), "&noOverwriteDirNonDir=1");
        Assert.Equal((500, "cannot overwrite directory \"tmp\" with non-directory \"/\""), (kept.Status, kept.Message));
        Assert.Equal(404, (await engine.GetAsync("/containers/nosuch/archive?path=/")).Status);
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Owners_are_the_archive_s_or_the_container_s_user_s()
    {
        var config = Api.Script("true");
        config["User"] = "nobody";
        string id = await engine.CreateAsync(config);
        using var output = new MemoryStream();
        using (var writer = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true)) writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "f") { Uid = 12, Gid = 34 });
        Assert.Equal(200, (await PutAsync(id, "/tmp", output.ToArray())).Status);
        Assert.Equal((12, 34), await OwnerAsync());
        Assert.Equal(200, (await PutAsync(id, "/tmp", output.ToArray(), "&copyUIDGID=1")).Status);
        Assert.Equal((65534, 65534), await OwnerAsync());
        await engine.RemoveAsync(id);

        async Task<(int, int)> OwnerAsync()
        {
            byte[] archive = await engine.Http.GetByteArrayAsync($"/v1.51/containers/{id}/archive?path=/tmp/f");
            var entry = new TarReader(new MemoryStream(archive)).GetNextEntry()!;
            return (entry.Uid, entry.Gid);
        }
    }

    /// <summary>The archive is larger than everything between the engine and a client that does not read, so the container goes in the middle of it.</summary>
    [Theory]
    [InlineData("export")]
    [InlineData("archive?path=/d")]
    public async Task An_archive_of_a_container_that_is_removed_meanwhile_does_not_look_whole(string what)
    {
        string id = await engine.RunAsync(Api.Script("mkdir /d; dd if=/dev/zero of=/d/f bs=1M count=64 2> /dev/null; echo; sleep 1000"));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length > 0);
        using var answer = await engine.Http.GetAsync($"/v1.51/containers/{id}/{what}", HttpCompletionOption.ResponseHeadersRead);
        Assert.True(answer.IsSuccessStatusCode);
        using var archive = await answer.Content.ReadAsStreamAsync();
        await engine.RemoveAsync(id);
        await Assert.ThrowsAnyAsync<IOException>(() => archive.CopyToAsync(Stream.Null));
    }

    [Fact]
    public async Task Copying_commit_and_export_are_told_as_events()
    {
        string id = await engine.CreateAsync(Api.Script("true"));
        await GetAsync(id, "/etc/passwd");
        await PutAsync(id, "/tmp", Archive(("f", "x")));
        await engine.Http.GetByteArrayAsync($"/v1.51/containers/{id}/export");
        string image = (await engine.PostAsync($"/commit?container={id}&repo=told&comment=why")).Result.GetProperty("Id").GetString()!;
        string events = await engine.Http.GetStringAsync($"/v1.51/events?since=1&until={DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1}&filters={Uri.EscapeDataString($$"""{"container":["{{id}}"]}""")}");
        var told = events.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(["create", "archive-path", "extract-to-dir", "export", "commit"], told.Select(e => e.GetProperty("Action").GetString()));
        var attributes = told[^1].GetProperty("Actor").GetProperty("Attributes");
        Assert.Equal((image, "told:latest", "why"), (attributes.GetProperty("imageID").GetString(), attributes.GetProperty("imageRef").GetString(), attributes.GetProperty("comment").GetString()));
        await engine.RemoveAsync(id);
    }

    /// <summary>A process of the container exchanges a directory with a link to the host's root while files are copied through it: what is read and written stays the container's.</summary>
    [Fact]
    public async Task CVE_2018_15664_a_link_exchanged_while_copying_does_not_lead_to_the_host()
    {
        string secret = engine.Path("secret");
        Directory.CreateDirectory(secret);
        File.WriteAllText(secret + "/flag", "host");
        string id = await engine.RunAsync(Api.Script($"mkdir -p /box{secret} {secret}; echo container > {secret}/flag; echo box > /box{secret}/flag; mkdir /swap; echo; cd /; while :; do ln -s / /link; mv /swap /dir; mv /link /swap; rm /swap; mv /dir /swap; done"));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length > 0);
        int read = 0;
        int rounds = int.Parse(Environment.GetEnvironmentVariable("GANTRY_RACE_ROUNDS") ?? "60", System.Globalization.CultureInfo.InvariantCulture);
        for (int i = 0; i < rounds; i++)
        {
            using var answer = await engine.Http.GetAsync($"/v1.51/containers/{id}/archive?path=/swap{secret}/flag");
            byte[] got = await answer.Content.ReadAsByteArrayAsync();
            Assert.DoesNotContain("host", Encoding.UTF8.GetString(got), StringComparison.Ordinal);
            if (answer.IsSuccessStatusCode) read++;
            await PutAsync(id, "/swap" + secret, Archive(("planted", "x")));
            await PutAsync(id, "/swap", Archive(($"{secret[1..]}/planted", "x")));
        }
        Assert.Equal(["flag"], Directory.GetFileSystemEntries(secret).Select(f => Path.GetFileName(f)));
        Assert.Equal("host", File.ReadAllText(secret + "/flag"));
        Assert.InRange(read, 0, rounds);
        await engine.RemoveAsync(id);
    }

    /// <summary>dockerd once loaded a library of the container while it copied. Here nobody enters the container: no program runs and nothing of it is mapped.</summary>
    [Fact]
    public async Task CVE_2019_14271_no_code_of_the_container_is_loaded()
    {
        string id = await engine.RunAsync(Api.Script("mkdir -p /lib/x86_64-linux-gnu /usr/lib; for n in files dns compat systemd; do cp /bin/busybox /lib/x86_64-linux-gnu/libnss_$n.so.2; cp /bin/busybox /lib/libnss_$n.so.2; done; echo; sleep 1000"));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length > 0);
        await Eventually.IsAsync(async () => (await ProcessesAsync()).Contains("sleep", StringComparison.Ordinal));
        string before = await ProcessesAsync();
        for (int i = 0; i < 5; i++)
        {
            await GetAsync(id, "/etc");
            await PutAsync(id, "/tmp", Archive(("f", "x")));
            Assert.DoesNotContain("libnss", await File.ReadAllTextAsync($"/proc/{engine.ProcessId}/maps"), StringComparison.Ordinal);
        }
        Assert.Equal(before, await ProcessesAsync());
        Assert.DoesNotContain(Children(engine.ProcessId), c => CommandLine(c).Contains("libnss", StringComparison.Ordinal));
        await engine.RemoveAsync(id);

        async Task<string> ProcessesAsync() => (await engine.GetAsync($"/containers/{id}/top?ps_args=-eo%20pid,comm")).Result.GetProperty("Processes").GetRawText();

        static IEnumerable<string> Children(int process)
        {
            foreach (string thread in Directory.GetDirectories($"/proc/{process}/task"))
            {
                string[] children;
                try
                {
                    children = File.ReadAllText(thread + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
                }
                catch (IOException)
                {
                    continue;   // the thread has ended
                }
                foreach (string child in children) yield return child;
            }
        }

        static string CommandLine(string process)
        {
            try
            {
                return File.ReadAllText($"/proc/{process}/cmdline");
            }
            catch (IOException)
            {
                return "";   // it has ended
            }
        }
    }

    [Fact]
    public async Task A_process_that_changes_everything_meanwhile_does_not_break_an_export_or_a_commit()
    {
        string id = await engine.RunAsync(Api.Script("cd /tmp; echo; while :; do mkdir a; echo x > a/f; mkfifo a/p; mv a b; rm -r b; done"));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length > 0);
        for (int i = 0; i < 5; i++)
        {
            Assert.NotEmpty(await engine.Http.GetByteArrayAsync($"/v1.51/containers/{id}/export"));
            _ = (await engine.PostAsync($"/commit?container={id}&pause=0")).Result;
            _ = (await engine.PostAsync($"/commit?container={id}")).Result;
        }
        Assert.Equal("running", await engine.StateAsync(id));
        await engine.RemoveAsync(id);
    }
}
