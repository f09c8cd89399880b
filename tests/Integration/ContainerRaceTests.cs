using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Requests about a container that arrive in the moment in which it starts, ends or is frozen.</summary>
public sealed class ContainerRaceTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private const int Rounds = 12;
    private readonly TestEngine engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task A_client_that_attaches_while_it_starts_has_all_of_its_output_and_its_end()
    {
        for (int i = 0; i < Rounds; i++)
        {
            string id = await engine.CreateAsync(Api.Script("echo said; sleep 1000"));
            var start = engine.PostAsync($"/containers/{id}/start");
            await Task.Delay(Random.Shared.Next(0, 25), Limit);
            await using var client = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdout=1&logs=1", "", Limit);
            Assert.Equal(204, (await start).Status);
            byte[] frame = new byte[8 + "said\n".Length];
            await client.ReadExactlyAsync(frame, Limit);
            Assert.Equal("said\n", Encoding.ASCII.GetString(Api.Unframe(frame)));
            await engine.RemoveAsync(id);
            Assert.Empty(await client.ReadToEndAsync(Limit));
        }
    }

    [Fact]
    public async Task A_client_that_attaches_right_after_the_end_sees_the_end()
    {
        int[] supervisors = [.. engine.Supervisors()];
        for (int i = 0; i < Rounds; i++)
        {
            string id = await engine.RunAsync(Api.Script("exit 0"));
            var clients = Enumerable.Range(0, 4).Select(async n =>
            {
                await Task.Delay(n * 3, Limit);
                await using var client = await engine.UpgradeAsync($"/containers/{id}/attach?stream=0&logs=1&stdout=1", "", Limit);
                return await client.ReadToEndAsync(Limit);
            });
            var streams = Enumerable.Range(0, 4).Select(async n =>
            {
                await Task.Delay(n * 3, Limit);
                return await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdout=1", "", Limit);
            });
            var attached = await Task.WhenAll(streams);
            Assert.All(await Task.WhenAll(clients), Assert.Empty);
            Assert.Equal(0, await engine.WaitAsync(id));
            await engine.RemoveAsync(id);   // ends those that came when it had ended already, and wait for its next start
            foreach (var stream in attached)
            {
                await using (stream) Assert.Empty(await stream.ReadToEndAsync(Limit));
            }
        }
        Assert.Equal(supervisors, engine.Supervisors());
    }

    [Fact]
    public async Task A_waiter_for_the_next_exit_that_has_its_answer_begun_misses_no_exit()
    {
        for (int i = 0; i < Rounds; i++)
        {
            string id = await engine.CreateAsync(Api.Script("exit 3"));
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1.51/containers/{id}/wait?condition=next-exit");
            using var answer = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Limit);
            Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/start")).Status);
            Assert.Contains("\"StatusCode\":3", await answer.Content.ReadAsStringAsync(Limit), StringComparison.Ordinal);
            await engine.RemoveAsync(id);
        }
    }

    [Theory]
    [InlineData("kill")]
    [InlineData("stop?t=5")]
    public async Task A_frozen_container_can_be_ended(string how)
    {
        string id = await engine.RunAsync(Api.Script("trap 'exit 0' TERM; while :; do sleep 0.05; done"));
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/pause")).Status);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/{how}")).Status);
        await engine.WaitAsync(id);
        Assert.False((await engine.InspectAsync(id)).GetProperty("State").GetProperty("Paused").GetBoolean());
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_stop_of_a_container_that_starts_again_and_again_is_remembered()
    {
        for (int i = 0; i < Rounds; i++)
        {
            string id = await engine.RunAsync(Api.Script("exit 1", new JsonObject { ["RestartPolicy"] = new JsonObject { ["Name"] = "unless-stopped" } }));
            await Task.Delay(Random.Shared.Next(90, 140), Limit);   // the first wait is of 100 ms
            Assert.Contains((await engine.PostAsync($"/containers/{id}/stop?t=0")).Status, new[] { 204, 304 });
            await Eventually.IsAsync(async () => await engine.StateAsync(id) == "exited");
            await Task.Delay(300, Limit);
            Assert.Equal("exited", await engine.StateAsync(id));
            await engine.RemoveAsync(id);
        }
    }

    [Fact]
    public async Task An_exec_can_be_resized_as_soon_as_its_client_is_answered()
    {
        string id = await engine.RunAsync(Api.Script("sleep 1000"));
        string exec = (await engine.PostAsync($"/containers/{id}/exec", new JsonObject
        {
            ["Tty"] = true, ["AttachStdout"] = true, ["AttachStdin"] = true, ["Cmd"] = new JsonArray("sh", "-c", "until [ \"$(stty size 2> /dev/null)\" = '33 77' ]; do sleep 0.02; done; stty size"),
        })).Result.GetProperty("Id").GetString()!;
        await using var client = await engine.UpgradeAsync($"/exec/{exec}/start", "{\"Tty\":true}", Limit);
        Assert.Equal(200, (await engine.PostAsync($"/exec/{exec}/resize?h=33&w=77")).Status);
        Assert.Equal("33 77\r\n", Encoding.ASCII.GetString(await client.ReadToEndAsync(Limit)));
        await engine.RemoveAsync(id);
    }
}
