using System.Net.WebSockets;
using System.Text;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Attach over a websocket.</summary>
public sealed class WebSocketTests : IClassFixture<EngineFixture>
{
    private readonly TestEngine engine;

    public WebSocketTests(EngineFixture fixture) => engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private async Task<ClientWebSocket> ConnectAsync(string path)
    {
        var socket = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = async (_, cancellation) => new System.Net.Sockets.NetworkStream(await engine.ConnectAsync(cancellation), ownsSocket: true) });
        await socket.ConnectAsync(new Uri("ws://gantry" + path), invoker, Limit);
        return socket;
    }

    private async Task<string> ContainerAsync(string script, bool terminal = false)
    {
        await engine.ImportBusyboxAsync();
        var config = Api.Script(script);
        (config["OpenStdin"], config["StdinOnce"], config["Tty"]) = (true, true, terminal);
        return await engine.RunAsync(config);
    }

    private static async Task<(string Text, WebSocketMessageType Type)> ReadToEndAsync(ClientWebSocket socket)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        var type = WebSocketMessageType.Close;
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer.AsMemory(), Limit);
            if (got.MessageType == WebSocketMessageType.Close) return (Encoding.UTF8.GetString(all.ToArray()), type);
            type = got.MessageType;
            all.Write(buffer, 0, got.Count);
        }
    }

    private static async Task<string> ReadAsync(ClientWebSocket socket, int count)
    {
        byte[] buffer = new byte[count];
        for (int at = 0; at < count;) at += (await socket.ReceiveAsync(buffer.AsMemory(at), Limit)).Count;
        return Encoding.UTF8.GetString(buffer);
    }

    [Fact]
    public async Task Several_clients_see_the_same_output_without_heads_and_the_end_of_input_reaches_the_process()
    {
        string id = await ContainerAsync("echo ready; echo wrong >&2; while read line; do echo got $line; done; exit 5");
        using var first = await ConnectAsync($"/v1.51/containers/{id}/attach/ws?logs=1&stream=1&stdin=1&stdout=1&stderr=1");
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Length == "ready\nwrong\n".Length);   // the second does not see what was said before
        using var second = await ConnectAsync($"/v1.51/containers/{id}/attach/ws?stream=1&stdout=1");
        await first.SendAsync("hel"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: false, Limit);
        await first.SendAsync("lo\n"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, Limit);
        Assert.Equal("got hello\n", await ReadAsync(second, "got hello\n".Length));
        await first.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Limit);
        var (text, type) = await ReadToEndAsync(first);
        Assert.Equal(["got hello", "ready", "wrong"], text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.Equal(WebSocketMessageType.Binary, type);
        Assert.Equal("", (await ReadToEndAsync(second)).Text);
        Assert.Equal(5, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Streams_that_were_not_asked_for_stay_away_from_1_42_on_and_came_always_before()
    {
        string id = await ContainerAsync("read line; echo out; echo err >&2; sleep 0.1");
        using var modern = await ConnectAsync($"/v1.42/containers/{id}/attach/ws?stream=1&stderr=1");
        using var former = await ConnectAsync($"/v1.41/containers/{id}/attach/ws?stream=1");
        await former.SendAsync("go\n"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Limit);
        Assert.Equal("err\n", (await ReadToEndAsync(modern)).Text);
        Assert.Equal(["err", "out"], (await ReadToEndAsync(former)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.Equal(0, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Detach_keys_leave_a_terminal_and_its_process_runs_on()
    {
        string id = await ContainerAsync("cat", terminal: true);
        using var socket = await ConnectAsync($"/v1.51/containers/{id}/attach/ws?stream=1&stdin=1&stdout=1&detachKeys=ctrl-x,q");
        await socket.SendAsync("hi\n"u8.ToArray(), WebSocketMessageType.Binary, true, Limit);
        Assert.Equal("hi\r\nhi\r\n", await ReadAsync(socket, 8));
        await socket.SendAsync(new byte[] { 24, (byte)'q' }, WebSocketMessageType.Binary, true, Limit);
        Assert.Equal("", (await ReadToEndAsync(socket)).Text);
        Assert.Equal("running", await engine.StateAsync(id));
        await engine.RemoveAsync(id);
    }

    [Theory]
    [InlineData("websocket", "12", "dGhlIHNhbXBsZSBub25jZQ==", 400)]
    [InlineData("websocket", "13", "short", 400)]
    [InlineData("tcp", "13", "dGhlIHNhbXBsZSBub25jZQ==", 400)]
    [InlineData("websocket", "13", "dGhlIHNhbXBsZSBub25jZQ==", 101)]
    public async Task A_handshake_that_is_none_is_refused(string upgrade, string version, string key, int status)
    {
        string id = await ContainerAsync("sleep 1000");
        await using var stream = new System.Net.Sockets.NetworkStream(await engine.ConnectAsync(Limit), ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /v1.51/containers/{id}/attach/ws?stream=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n"), Limit);
        using var reader = new StreamReader(stream);
        string head = (await reader.ReadLineAsync(Limit))!;
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        if (status == 101)
        {
            string all = "";
            while (await reader.ReadLineAsync(Limit) is { Length: > 0 } line) all += line + "\n";
            Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n", all, StringComparison.Ordinal);   // RFC 6455, section 1.3
        }
        await engine.RemoveAsync(id);
    }
}
