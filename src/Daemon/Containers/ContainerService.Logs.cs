using System.Globalization;
using Gantry.Daemon.Containers.Logs;
using Gantry.Daemon.Engine;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <param name="Since">Unix seconds with an optional fraction; 0 or empty is none.</param>
/// <param name="Tail">A number, or <c>all</c>.</param>
public sealed record LogsRequest(string Name, bool Follow, bool Stdout, bool Stderr, string Since, string Until, bool Timestamps, bool Details, string Tail);

public sealed partial class ContainerService
{
    /// <summary>Sends what a container has written, and goes on when asked to (reference 4.11).</summary>
    public async Task LogsAsync(Job job, LogsRequest request, CancellationToken cancellation)
    {
        if (!request.Stdout && !request.Stderr) throw EngineException.InvalidParameter("Bad parameters: you must choose at least one stream");
        var query = new LogQuery(request.Stdout, request.Stderr, Time(request.Since, "since"), Time(request.Until, "until"), request.Timestamps, request.Details,
            int.TryParse(request.Tail, NumberStyles.None, CultureInfo.InvariantCulture, out int tail) ? tail : null, request.Follow);
        var container = store.Get(request.Name);
        if (container.Status.Removing || container.Status.Dead) throw EngineException.Conflict("can not get logs from container which is dead or marked for removal");
        if (container.Record.HostConfig.LogConfig.Type == "none") throw EngineException.NotImplemented("configured logging driver does not support reading");
        bool framed = !container.Record.Config.Tty;
        job.Output.ContentType = framed && job.Client.ApiVersion >= new Version(1, 42) ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream";
        await job.Output.StartAsync(cancellation).ConfigureAwait(false);
        await ReadLogAsync(container, query, framed, async (data, token) =>
        {
            await job.Output.WriteAsync(data, token).ConfigureAwait(false);
            if (query.Follow) await job.Output.FlushAsync(token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
    }

    private async Task ReadLogAsync(Container container, LogQuery query, bool framed, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellation)
    {
        var record = container.Record;
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ended = query.Follow ? container.WaitAsync(s => !s.Running, done.Token) : Task.CompletedTask;
        var reader = new LogReader(LogPathOf(record), LogDecoder.Of(record.HostConfig.LogConfig.Type), query, new LogFormatter(query, framed), write);
        try
        {
            await reader.ReadAsync(fileChanges.Value, ended, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await done.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Sends an attached client what was written before it came.</summary>
    private Task ReplayAsync(Container container, AttachRequestArguments request, AttachedReply? begin, IDuplexStream client, CancellationToken cancellation)
    {
        if (container.Record.HostConfig.LogConfig.Type == "none") return Task.CompletedTask;
        var query = new LogQuery(request.Stdout, request.Stderr, null, null, false, false, null, Follow: false) { End = begin is { LogFile: > 0 } ? (begin.LogFile, begin.LogSize) : null };
        return ReadLogAsync(container, query, framed: !container.Record.Config.Tty, client.WriteAsync, cancellation);
    }

    /// <exception cref="EngineException">400: neither a number of seconds nor empty.</exception>
    private static DateTimeOffset? Time(string text, string name)
    {
        if (text.Length == 0 || text == "0") return null;
        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out decimal seconds) && Math.Abs(seconds) < 100_000_000_000
            ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond))
            : throw EngineException.InvalidParameter($"invalid value for \"{name}\": {text} is not a time in Unix seconds");
    }
}
