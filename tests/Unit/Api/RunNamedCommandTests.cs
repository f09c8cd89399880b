using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Engine;

namespace Gantry.Unit.Api;

/// <summary>Engine commands by their names: <c>POST /engine/commands/{name}</c>, and the jobs that come of it.</summary>
public sealed class RunNamedCommandTests : IAsyncLifetime
{
    private readonly ApiHost host = new();

    public Task InitializeAsync()
    {
        host.Engine.Register(TestCommands.Lookup("look", "GET /things/{name}"), TestCommands.Tell);
        host.Engine.Register(TestCommands.Create, (job, request, _) => Task.FromResult(new IdResponse { Id = $"{request.Image} {string.Join('+', request.Env ?? [])} {request.HostConfig?.Memory}" }));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    private async Task<(int Status, string Body)> RunAsync(string name, string json)
    {
        var answer = await host.Http.PostAsync($"/engine/commands/{name}", new StringContent(json, Encoding.UTF8, "application/json"), ApiHost.Limit);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Arguments_are_json_values_by_parameter_name_in_any_case() =>
        Assert.Equal((200, "[\"name=a\",\"all=True\",\"n=5\",\"names=x,y\",\"header=h\",\"api=1.51\"]\n"), await RunAsync("look", """{"Arguments":{"NAME":"a","all":true,"n":5,"names":["x","y"],"x-test":"h"}}"""));

    [Fact]
    public async Task Fields_of_the_body_can_be_given_by_their_own_names() =>
        Assert.Equal((201, "{\"Id\":\"busybox A=1+B=2 64\"}\n"), await RunAsync("create", """{"Arguments":{"name":"x","Image":"busybox","Env":["A=1","B=2"],"HostConfig":{"Memory":64}}}"""));

    [Fact]
    public async Task The_body_can_be_given_whole() =>
        Assert.Equal((201, "{\"Id\":\"busybox  \"}\n"), await RunAsync("create", """{"Arguments":{"body":{"Image":"busybox"}}}"""));

    [Fact]
    public async Task An_unknown_argument_is_refused_with_what_there_is() =>
        Assert.Equal((400, "{\"message\":\"look: there is no parameter 'nmae'; it takes name, all, n, names, X-Test\"}\n"), await RunAsync("look", """{"Arguments":{"nmae":"a"}}"""));

    [Fact]
    public async Task A_missing_argument_is_refused_with_what_there_is() =>
        Assert.Equal((400, "{\"message\":\"look: the parameter 'name' is missing; it takes name, all, n, names, X-Test\"}\n"), await RunAsync("look", "{}"));

    [Theory]
    [InlineData("nosuch", 404, "nosuch: command not found")]
    [InlineData("serveapi", 403, "serveapi is run by the engine itself")]
    [InlineData("acceptconnections", 403, "acceptconnections is run by the engine itself")]
    public async Task Not_every_name_can_be_run(string name, int status, string message)
    {
        if (name == "serveapi") host.Engine.Register(EngineCommands.ServeApi, (_, _, _) => Task.FromResult(default(Nothing)));
        Assert.Equal((status, $"{{\"message\":\"{message}\"}}\n"), await RunAsync(name, "{}"));
    }

    [Fact]
    public async Task A_command_without_arguments_needs_no_body()
    {
        var answer = await host.Http.PostAsync("/engine/commands/commands", null, ApiHost.Limit);
        Assert.Contains("create", (await answer.Content.ReadFromJsonAsync<List<string>>())!);
    }

    [Fact]
    public async Task A_stream_comes_as_it_is_written()
    {
        host.Engine.Register(TestCommands.Do("flow", "GET /flow", streams: "stream of text"), async (job, _, cancellation) =>
        {
            job.Output.ContentType = "text/plain";
            await job.Output.WriteAsync("raw \0 bytes"u8.ToArray(), cancellation);
            return default;
        });
        Assert.Equal((200, "raw \0 bytes"), await RunAsync("flow", "{}"));
    }

    [Fact]
    public async Task An_upload_takes_its_arguments_from_the_query()
    {
        host.Engine.Register(new Command<string, List<string>>("import", "")
        {
            Parameters = [Parameter.Query("repo", ParameterType.String, ""), Parameter.BodyStream("archive", "")],
            Bind = a => a.String("repo"),
            Response = Gantry.Protocol.Json.WireJson.TypeInfo<List<string>>(),
        }, async (job, repo, cancellation) =>
        {
            using var reader = new StreamReader(job.Input);
            return [repo, await reader.ReadToEndAsync(cancellation)];
        });
        var answer = await host.Http.PostAsync("/engine/commands/import?arguments=" + Uri.EscapeDataString("""{"repo":"r"}"""), new StringContent("bytes", Encoding.UTF8, "application/x-tar"), ApiHost.Limit);
        Assert.Equal("[\"r\",\"bytes\"]\n", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_detached_run_answers_with_its_job_whose_result_can_be_waited_for()
    {
        var release = new TaskCompletionSource();
        host.Engine.Register(new Command<Nothing, IdResponse>("slow", "") { Bind = _ => default, Response = Gantry.Protocol.Json.WireJson.TypeInfo<IdResponse>() }, async (_, _, _) =>
        {
            await release.Task;
            return new IdResponse { Id = "done" };
        });
        var (status, body) = await RunAsync("slow", """{"Detach":true}""");
        Assert.Equal(202, status);
        var job = JsonSerializer.Deserialize<JobDescription>(body)!;
        Assert.Equal(("slow", "running"), (job.Command, (await host.Http.GetFromJsonAsync<JobDescription>($"/engine/jobs/{job.Id}"))!.Status));
        Assert.Contains((await host.Http.GetFromJsonAsync<List<JobDescription>>("/engine/jobs"))!, j => j.Id == job.Id);

        var waiting = host.Http.GetFromJsonAsync<JobDescription>($"/engine/jobs/{job.Id}?wait=1", ApiHost.Limit);
        release.SetResult();
        var ended = (await waiting)!;
        Assert.Equal(("succeeded", "{\"Id\":\"done\"}"), (ended.Status, ended.Result?.GetRawText()));
    }

    [Fact]
    public async Task A_detached_stream_keeps_the_end_of_its_output()
    {
        host.Engine.Register(TestCommands.Do("flow", "GET /flow", streams: "stream of text"), async (job, _, cancellation) =>
        {
            await job.Output.WriteAsync("progress\n"u8.ToArray(), cancellation);
            return default;
        });
        var job = JsonSerializer.Deserialize<JobDescription>((await RunAsync("flow", """{"Detach":true}""")).Body)!;
        Assert.Equal("progress\n", (await host.Http.GetFromJsonAsync<JobDescription>($"/engine/jobs/{job.Id}?wait=1", ApiHost.Limit))!.Output);
    }

    [Fact]
    public async Task A_job_can_be_stopped()
    {
        host.Engine.Register(TestCommands.Do("long", "GET /long"), async (_, _, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return default;
        });
        var job = JsonSerializer.Deserialize<JobDescription>((await RunAsync("long", """{"Detach":true}""")).Body)!;
        Assert.Equal(204, (int)(await host.Http.DeleteAsync($"/engine/jobs/{job.Id}")).StatusCode);
        Assert.Equal("cancelled", (await host.Http.GetFromJsonAsync<JobDescription>($"/engine/jobs/{job.Id}?wait=1", ApiHost.Limit))!.Status);
        Assert.Equal(404, (int)(await host.Http.DeleteAsync("/engine/jobs/nosuch")).StatusCode);
    }

    [Fact]
    public async Task Credentials_are_in_no_listing()
    {
        var release = new TaskCompletionSource();
        host.Engine.Register(new Command<Nothing, Nothing>("pull", "") { Parameters = [Parameter.Query("image", ParameterType.String, ""), Parameter.Header("X-Registry-Auth", "")], Bind = _ => default }, async (_, _, _) =>
        {
            await release.Task;
            return default;
        });
        var (_, body) = await RunAsync("pull", """{"Detach":true,"Arguments":{"image":"i","X-Registry-Auth":"secret"}}""");
        var job = JsonSerializer.Deserialize<JobDescription>(body)!;
        string listing = await host.Http.GetStringAsync("/engine/jobs");
        release.SetResult();
        Assert.DoesNotContain("secret", listing, StringComparison.Ordinal);
        await host.Http.GetAsync($"/engine/jobs/{job.Id}?wait=1");
    }

    [Fact]
    public async Task The_engine_describes_a_command()
    {
        var description = (await host.Http.GetFromJsonAsync<CommandDescription>("/engine/commands/look"))!;
        Assert.Equal(("look", "Tells which arguments it got.", "list of String"), (description.Name, description.Synopsis, description.Response));
        Assert.Equal(["GET /things/{name}"], description.Routes);
        Assert.Equal([("name", "string", "path", true), ("all", "boolean", "query", false)], description.Parameters.Take(2).Select(p => (p.Name, p.Type, p.In, p.Required)));
        Assert.Equal(404, (int)(await host.Http.GetAsync("/engine/commands/nosuch")).StatusCode);
    }
}
