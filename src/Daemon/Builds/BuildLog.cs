using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Builds;

internal static partial class BuildLog
{
    [LoggerMessage(1, LogLevel.Warning, "what a build has left could not be removed; the next start tries again")]
    public static partial void LeftoversRemain(ILogger log, Exception error);
}
