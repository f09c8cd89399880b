using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Hosting;

internal static partial class HostLog
{
    [LoggerMessage(101, LogLevel.Information, "gantryd {Version} ({Commit}); exec driver: {ExecDriver}; data root: {DataRoot}")]
    public static partial void Starting(ILogger log, string version, string commit, string execDriver, string dataRoot);

    [LoggerMessage(102, LogLevel.Information, "ready after {Milliseconds:F0} ms")]
    public static partial void Ready(ILogger log, double milliseconds);

    [LoggerMessage(103, LogLevel.Information, "Received signal '{Signal}', starting shutdown of gantry...")]
    public static partial void SignalReceived(ILogger log, string signal);

    [LoggerMessage(104, LogLevel.Critical, "Force shutdown of gantry, interrupting cleanup")]
    public static partial void ForcedShutdown(ILogger log);

    [LoggerMessage(105, LogLevel.Information, "SIGHUP ignored: the configuration is read at start only")]
    public static partial void HangupIgnored(ILogger log);

    [LoggerMessage(106, LogLevel.Critical, "the engine could not start: {Reason}")]
    public static partial void StartFailed(ILogger log, string reason, Exception? error);

    [LoggerMessage(107, LogLevel.Critical, "the API server ended: {Reason}")]
    public static partial void ServerFailed(ILogger log, string reason, Exception? error);

    [LoggerMessage(108, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(109, LogLevel.Warning, "storage driver vfs, because overlay is not possible on {DataRoot}: every container is a copy of its image; put the data root on another file system")]
    public static partial void FellBackToVfs(ILogger log, string dataRoot);
}
