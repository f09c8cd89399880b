using Gantry.Daemon.Api.Listening;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Options;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api;

/// <summary>The <c>serveapi</c> command: Kestrel without a web host, on sockets that are bound already (reference A20, A21).</summary>
internal sealed class ApiServer(Engine.Engine engine, DaemonOptions options, ILoggerFactory logs)
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);
    private readonly ILogger log = logs.CreateLogger("Api");

    /// <summary>Serves until the token fires; connections that still work get a short while to end.</summary>
    /// <exception cref="OptionsException">The TLS files cannot be used.</exception>
    public async Task ServeAsync(IReadOnlyList<BoundSocket> sockets, CancellationToken cancellation)
    {
        var tls = options.Tls.Enabled && sockets.Any(s => s.IsNetwork) ? TlsListener.Load(options.Tls, log) : null;
        var kestrel = Configure(sockets, tls);
        using var server = new KestrelServer(Microsoft.Extensions.Options.Options.Create(kestrel), new GatedListenerFactory(engine.AcceptGate, logs), logs);
        await server.StartAsync(new ApiApplication(engine, new ApiHeaders(options.Experimental), log), cancellation).ConfigureAwait(false);
        foreach (var socket in sockets) ApiLog.Listening(log, socket.Address.ToString());

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellation.UnsafeRegister(s => ((TaskCompletionSource)s!).TrySetResult(), stopped);
        await stopped.Task.ConfigureAwait(false);

        using var grace = new CancellationTokenSource(StopGrace);
        await server.StopAsync(grace.Token).ConfigureAwait(false);
    }

    private static KestrelServerOptions Configure(IReadOnlyList<BoundSocket> sockets, TlsListener? tls)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        // A slow pipe into an import, a client that reads a followed log now and then: both are fine.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MaxRequestHeaderCount = 1000;
        kestrel.Limits.MaxRequestLineSize = (1 << 20) + 4096;   // Go's server takes heads of 1 MiB and a bit
        kestrel.Limits.MaxRequestHeadersTotalSize = 1 << 20;
        kestrel.Limits.MaxRequestBufferSize = 4 << 20;
        foreach (var socket in sockets)
        {
            kestrel.Listen(new BoundEndPoint(socket), listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (tls is not null && socket.IsNetwork) listen.Use(tls.Middleware);
                listen.Use(ConnectionLife.Middleware);
            });
        }
        return kestrel;
    }
}
