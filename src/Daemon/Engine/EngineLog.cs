using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Engine;

internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Debug, "+job {Id} {Command} {Arguments}")]
    public static partial void JobStarted(ILogger log, string id, string command, IEnumerable<KeyValuePair<string, string>> arguments);

    [LoggerMessage(2, LogLevel.Debug, "-job {Id} {Command} = OK ({Milliseconds:F1} ms)")]
    public static partial void JobSucceeded(ILogger log, string id, string command, double milliseconds);

    [LoggerMessage(3, LogLevel.Debug, "-job {Id} {Command} = ERR ({Milliseconds:F1} ms): {Error}")]
    public static partial void JobFailed(ILogger log, string id, string command, double milliseconds, string error);

    [LoggerMessage(4, LogLevel.Error, "a shutdown handler failed")]
    public static partial void ShutdownHandlerFailed(ILogger log, Exception error);
}
