using System.Net.Sockets;
using Gantry.Daemon.Api;
using Gantry.Daemon.Api.Listening;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Api;

/// <summary>The real API server in this process, on a private Unix socket and, when asked for, on tcp, with the commands that a test registers.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-api-");
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;

    public ApiHost(Func<DaemonOptions, DaemonOptions>? configure = null, bool open = true)
    {
        Engine = new Daemon.Engine.Engine(NullLogger<Daemon.Engine.Engine>.Instance);
        Engine.RegisterEngineCommands();
        var options = new DaemonOptions { Hosts = [new HostAddress(HostKind.Unix, SocketPath)], SocketGroup = "" };
        options = configure?.Invoke(options) ?? options;
        Sockets = SocketBinder.Bind(options, NullLogger.Instance);
        serving = new ApiServer(Engine, options, NullLoggerFactory.Instance).ServeAsync(Sockets, stop.Token);
        if (open) Engine.AcceptGate.Open();
        Http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) => new NetworkStream(await ConnectAsync(cancellation), ownsSocket: true),
        }) { BaseAddress = new Uri("http://gantry") };
    }

    public Daemon.Engine.Engine Engine { get; }

    public IReadOnlyList<BoundSocket> Sockets { get; }

    public HttpClient Http { get; }

    public string SocketPath => Path.Combine(folder.FullName, "api.sock");

    /// <summary>Stops the server as a shutdown does.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await serving;
    }

    public async Task<Socket> ConnectAsync(CancellationToken cancellation = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
        return socket;
    }

    /// <summary>Sends bytes as they are and reads to the end of the answer.</summary>
    public async Task<string> RawAsync(string request)
    {
        using var socket = await ConnectAsync();
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
        return await reader.ReadToEndAsync(Limit);
    }

    /// <summary>A test that waits longer has failed.</summary>
    public static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await stop.CancelAsync();
        try
        {
            await serving;
        }
        finally
        {
            foreach (var socket in Sockets) socket.Dispose();
            stop.Dispose();
            folder.Delete(recursive: true);
        }
    }
}
