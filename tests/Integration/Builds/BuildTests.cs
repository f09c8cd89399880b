using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;
using static Gantry.Integration.Builds.BuildRequests;

namespace Gantry.Integration.Builds;

/// <summary>The builder beyond single Dockerfiles: its cache, its output as it comes, its ends.</summary>
public sealed class BuildTests(BuilderFixture fixture) : IClassFixture<BuilderFixture>
{
    private const string Base = "FROM dockerfile-base\n";

    private readonly TestEngine engine = fixture.Engine;

    private async Task<int> StepsFromCacheAsync(byte[] context, string query = DefaultQuery)
    {
        string output = await engine.BuildAsync(context, query);
        Assert.Contains("Successfully built", output, StringComparison.Ordinal);
        return output.Split(" ---> Using cache\n").Length - 1;
    }

    [NeedsFact("busybox")]
    public async Task A_copy_is_done_again_when_content_mode_or_name_have_changed_and_not_when_only_the_time_has()
    {
        byte[] Context(string content = "same", int mode = 0x1a4, string name = "f", string? link = null, int days = 0) => Archive(
            new("Dockerfile", Base + "COPY . /copied/\nRUN echo after\n"),
            new(name, content) { Mode = mode, Modified = DockerfileCase.Modified.AddDays(days) },
            new("link") { Type = System.Formats.Tar.TarEntryType.SymbolicLink, Link = link ?? "f" });
        Assert.Equal(0, await StepsFromCacheAsync(Context()));
        Assert.Equal(2, await StepsFromCacheAsync(Context()));
        Assert.Equal(2, await StepsFromCacheAsync(Context(days: 30)));
        Assert.Equal(0, await StepsFromCacheAsync(Context(content: "other")));
        Assert.Equal(0, await StepsFromCacheAsync(Context(mode: 0x1ed)));
        Assert.Equal(0, await StepsFromCacheAsync(Context(name: "g", link: "g")));
        Assert.Equal(0, await StepsFromCacheAsync(Context(link: "./f")));
        Assert.Equal(2, await StepsFromCacheAsync(Context()));
    }

    [NeedsFact("busybox")]
    public async Task The_cache_ends_at_the_first_step_that_differs_and_looks_at_build_arguments_where_they_are_seen()
    {
        byte[] context = Context(Base + "ENV TEST=cache\nRUN echo 1\nARG A=1\nRUN echo $A > /a\nRUN echo 2\n");
        Assert.Equal(0, await StepsFromCacheAsync(context));
        Assert.Equal(5, await StepsFromCacheAsync(context));
        Assert.Equal(3, await StepsFromCacheAsync(context, DefaultQuery + "&buildargs={\"A\":\"2\"}"));
        // A predefined argument makes other steps, but its value does not.
        Assert.Equal(1, await StepsFromCacheAsync(context, DefaultQuery + "&buildargs={\"HTTP_PROXY\":\"http://p\"}"));
        Assert.Equal(5, await StepsFromCacheAsync(context, DefaultQuery + "&buildargs={\"HTTP_PROXY\":\"http://q\"}"));
        Assert.Equal(0, await StepsFromCacheAsync(context, DefaultQuery + "&nocache=1"));
    }

    [NeedsFact("busybox")]
    public async Task An_image_that_was_loaded_does_not_answer_for_a_step()
    {
        byte[] context = Context(Base + "RUN echo poison > /p\n");
        string id = await engine.BuildQuietlyAsync(context);
        byte[] saved = await engine.Http.GetByteArrayAsync($"/v1.51/images/{id}/get");
        Assert.Equal(200, (await engine.DeleteAsync($"/images/{id}?force=1")).Status);
        using var content = new ByteArrayContent(saved);
        Assert.True((await engine.Http.PostAsync("/v1.51/images/load", content)).IsSuccessStatusCode);
        Assert.Equal(0, await StepsFromCacheAsync(context));
    }

    [NeedsFact("busybox")]
    public async Task An_image_named_by_cachefrom_answers_by_its_history()
    {
        byte[] context = Context(Base + "ENV TEST=from\nRUN date +%N > /n\nLABEL end=1\n");
        string id = await engine.BuildQuietlyAsync(context, DefaultQuery + "&t=cache-source");
        byte[] saved = await engine.Http.GetByteArrayAsync("/v1.51/images/cache-source/get");
        Assert.Equal(200, (await engine.DeleteAsync("/images/cache-source?force=1")).Status);
        using var content = new ByteArrayContent(saved);
        Assert.True((await engine.Http.PostAsync("/v1.51/images/load", content)).IsSuccessStatusCode);
        Assert.Equal(3, await StepsFromCacheAsync(context, DefaultQuery + "&cachefrom=[\"cache-source\"]"));
        Assert.Equal(id, await engine.BuildQuietlyAsync(context, DefaultQuery + "&cachefrom=[\"cache-source\"]"));
    }

    [NeedsFact("busybox")]
    public async Task Intermediate_images_are_kept_and_listed_with_all_alone()
    {
        string id = await engine.BuildQuietlyAsync(Context(Base + "ENV TEST=parents\nLABEL a=1\nLABEL b=2\n"));
        var history = (await engine.GetAsync($"/images/{id}/history")).Result.EnumerateArray().Select(h => h.GetProperty("Id").GetString()!).ToList();
        Assert.DoesNotContain("<missing>", history);
        var all = (await engine.GetAsync("/images/json?all=1")).Result.EnumerateArray().ToDictionary(i => i.GetProperty("Id").GetString()!, i => i.GetProperty("ParentId").GetString()!);
        Assert.Equal([history[1], history[2], history[3]], history.Take(3).Select(i => all[i]));
        var shown = (await engine.GetAsync("/images/json")).Result.EnumerateArray().Select(i => i.GetProperty("Id").GetString()!).ToList();
        Assert.Contains(id, shown);
        Assert.DoesNotContain(history[1], shown);
        Assert.Equal(4, (await engine.DeleteAsync($"/images/{id}")).Result.GetArrayLength() + 1);
    }

    [NeedsFact("busybox")]
    public async Task What_a_command_writes_is_seen_while_it_runs()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1.51/build?{DefaultQuery}") { Content = new ByteArrayContent(Context(Base + "RUN echo early; while [ ! -e /go ]; do sleep 0.05; done; echo late\n")) };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var answer = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(limit.Token));
        string? line;
        while ((line = await reader.ReadLineAsync(limit.Token)) is not null && !line.Contains("\"early\\n\"", StringComparison.Ordinal))
        {
        }
        Assert.NotNull(line);
        string id = (await engine.GetAsync("/containers/json")).Result.EnumerateArray().Single().GetProperty("Id").GetString()!;
        Assert.Equal((0, ""), await engine.ExecAsync(id, "touch /go"));   // not before does it go on
        Assert.Contains("late", await reader.ReadToEndAsync(limit.Token), StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task A_client_that_goes_away_ends_its_build_and_nothing_is_left()
    {
        int containers = await engine.CountContainersAsync();
        using (var stop = new CancellationTokenSource())
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1.51/build?{DefaultQuery}") { Content = new ByteArrayContent(Context(Base + "RUN echo started; sleep 600\n")) };
            using var answer = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop.Token);
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(stop.Token));
            while (!(await reader.ReadLineAsync(stop.Token))!.Contains("\"started\\n\"", StringComparison.Ordinal))
            {
            }
            Assert.Equal(containers + 1, await engine.CountContainersAsync());
        }
        async Task<bool> IsListedAsync() => (await engine.GetAsync("/engine/jobs")).Result.EnumerateArray().Any(j => j.GetProperty("Command").GetString() == "build");
        await Eventually.IsAsync(async () => await engine.CountContainersAsync() == containers && engine.BuildFolders().Length == 0 && !await IsListedAsync());
    }

    [NeedsFact("busybox")]
    public async Task Builds_run_beside_each_other()
    {
        var outputs = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => engine.BuildAsync(Context($"{Base}RUN echo {i} > /i\nCOPY f /f\nRUN cat /f /i\n", ("f", $"file {i}")), $"{DefaultQuery}&t=beside:{i}")));
        Assert.All(outputs, (o, i) => Assert.Contains($"Successfully tagged beside:{i}", o, StringComparison.Ordinal));
        Assert.Equal("file 3\n3\n".Replace("\n3", "3", StringComparison.Ordinal), await engine.ReadAsync("beside:3", "cat /f /i"));
    }

    [NeedsFact("busybox")]
    public async Task Without_rm_the_container_of_a_command_stays()
    {
        int containers = await engine.CountContainersAsync();
        string output = await engine.BuildAsync(Context(Base + "RUN echo stays\n"), DefaultQuery + "&rm=0&nocache=1");
        Assert.DoesNotContain("Removed", output, StringComparison.Ordinal);
        Assert.Equal(containers + 1, await engine.CountContainersAsync());
        Assert.Equal(200, (await engine.PostAsync("/containers/prune")).Status);
        output = await engine.BuildAsync(Context(Base + "RUN exit 1\n"));
        Assert.Equal(containers + 1, await engine.CountContainersAsync());   // for a look at what went wrong, as with dockerd
        Assert.Equal(200, (await engine.PostAsync("/containers/prune")).Status);
        output = await engine.BuildAsync(Context(Base + "RUN exit 1\n"), DefaultQuery + "&forcerm=1");
        Assert.Contains("Removed intermediate container", output, StringComparison.Ordinal);
        Assert.Equal(containers, await engine.CountContainersAsync());
    }

    [NeedsFact("busybox")]
    public async Task Containers_of_commands_have_the_limits_that_were_asked_for()
    {
        string output = await engine.BuildAsync(Context(Base + "RUN tail /dev/zero\n"), DefaultQuery + "&memory=16777216&memswap=16777216&forcerm=1");
        Assert.Contains("returned a non-zero code: 137", output, StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task A_quiet_build_that_fails_before_its_first_step_is_a_status() =>
        Assert.StartsWith("400: dockerfile parse error on line 2: unknown instruction: NOPE", await engine.BuildAsync(Context(Base + "NOPE x\n"), "q=1"), StringComparison.Ordinal);

    [NeedsTheory("busybox")]
    [InlineData("version=2", 501, "BuildKit is not supported by this engine: use the classic builder (DOCKER_BUILDKIT=0)")]
    [InlineData("version=x", 400, "invalid version \"x\"")]
    [InlineData("squash=1", 400, "squash is only supported with experimental mode")]
    [InlineData("securityopt=x", 400, "security options are not supported on linux")]
    [InlineData("t=UPPER", 400, "invalid reference format: repository name (library/UPPER) must be lowercase")]
    [InlineData("t=a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 400, "build tag cannot contain a digest")]
    [InlineData("buildargs=[]", 400, null)]
    [InlineData("labels={\"a\":1}", 400, null)]
    [InlineData("ulimits=x", 400, null)]
    [InlineData("platform=//", 400, null)]
    [InlineData("remote=ftp://x", 500, "remoteURL (ftp://x) could not be recognized as URL")]
    [InlineData("remote=client-session", 400, null)]
    [InlineData("dockerfile=../x", 400, "forbidden path outside the build context: ../x ()")]
    public async Task A_request_that_cannot_be_is_refused(string query, int status, string? message)
    {
        string output = await engine.BuildAsync(Context(Base), query);
        Assert.StartsWith(status.ToString(System.Globalization.CultureInfo.InvariantCulture) + ": ", output, StringComparison.Ordinal);
        if (message is not null) Assert.Equal($"{status}: {message}", output);
    }

    [NeedsFact("busybox")]
    public async Task Old_clients_get_no_aux_messages()
    {
        using var content = new ByteArrayContent(Context(Base));
        using var answer = await engine.Http.PostAsync("/v1.29/build", content);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotContain("aux", text, StringComparison.Ordinal);
        Assert.Contains("Successfully built", text, StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task Pruning_the_cache_deletes_built_images_without_a_name_and_leaves_the_others()
    {
        string kept = await engine.BuildQuietlyAsync(Context(Base + "RUN echo kept > /k\n"), DefaultQuery + "&t=prune-kept");
        string gone = await engine.BuildQuietlyAsync(Context(Base + "RUN echo gone > /g\nLABEL x=y\n"));
        var pruned = (await engine.PostAsync("/build/prune")).Result;
        var deleted = pruned.GetProperty("CachesDeleted").EnumerateArray().Select(d => d.GetString()).ToList();
        Assert.Contains(gone, deleted);
        Assert.DoesNotContain(kept, deleted);
        Assert.True(pruned.GetProperty("SpaceReclaimed").GetInt64() >= 5);
        Assert.Equal(404, (await engine.GetAsync($"/images/{gone}/json")).Status);
        Assert.Equal(200, (await engine.GetAsync($"/images/{kept}/json")).Status);
        Assert.Equal("""{"CachesDeleted":null,"SpaceReclaimed":0}""", (await engine.PostAsync("/build/prune")).Body.Trim());
        Assert.Equal(400, (await engine.PostAsync("/build/prune?filters={\"nosuch\":[\"x\"]}")).Status);
    }

    [NeedsFact("busybox")]
    public async Task A_prune_leaves_what_a_running_build_stands_on()
    {
        var build = engine.BuildAsync(Context(Base + "LABEL prune=race\nRUN sleep 2\nRUN sleep 2\nLABEL end=1\n"), DefaultQuery + "&nocache=1");
        while (!build.IsCompleted)
        {
            Assert.Equal(200, (await engine.PostAsync("/images/prune")).Status);
            Assert.Equal(200, (await engine.PostAsync("/build/prune")).Status);
            await Task.Delay(20);
        }
        Assert.Contains("Successfully built", await build, StringComparison.Ordinal);
    }

    [NeedsFact("busybox", "docker")]
    public async Task The_docker_cli_builds_from_its_standard_input_and_writes_the_image_id()
    {
        var built = await engine.DockerAsync(["build", "-q", "--network", "none", "-"], Encoding.UTF8.GetBytes(Base + "LABEL stdin=1\n"));
        Assert.Matches("^sha256:[0-9a-f]{64}$", built.Text);
        string iid = engine.Path("iid");
        var tagged = await engine.DockerAsync(["build", "--iidfile", iid, "-t", "cli:1", "-t", "cli:2", "--network", "none", "-"], Encoding.UTF8.GetBytes(Base + "LABEL stdin=1\n"));
        Assert.Contains("Successfully tagged cli:2", tagged.Text, StringComparison.Ordinal);
        Assert.Equal(built.Text, await File.ReadAllTextAsync(iid));
    }

    [NeedsFact("busybox", "docker")]
    public async Task The_docker_cli_may_send_the_dockerfile_apart_from_its_context()
    {
        string context = Directory.CreateDirectory(engine.Path("context")).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "f"), "copied\n");
        var built = await engine.DockerAsync(["build", "--network", "none", "-f", "-", context], Encoding.UTF8.GetBytes(Base + "COPY f /f\nRUN cat /f\n"));
        Assert.Contains("\ncopied\n", built.Output, StringComparison.Ordinal);
        Assert.Equal(0, built.ExitCode);
    }
}

/// <summary>An engine with the base image.</summary>
public sealed class BuilderFixture : IAsyncLifetime
{
    internal TestEngine Engine { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Engine = await TestEngine.StartAsync();
        await Engine.ImportBusyboxAsync("dockerfile-base");
    }

    public async Task DisposeAsync() => await Engine.DisposeAsync();
}
