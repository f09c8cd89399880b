using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Volumes;

internal static partial class VolumeLog
{
    [LoggerMessage(1, LogLevel.Error, "volume {Name} is listed in the database and has no directory: containers that use it do not start")]
    public static partial void DirectoryMissing(ILogger log, string name);

    [LoggerMessage(2, LogLevel.Warning, "files of a removed volume could not be deleted from {Directory}; the next start tries again")]
    public static partial void LeftoversRemain(ILogger log, string directory, Exception error);

    [LoggerMessage(3, LogLevel.Warning, "volume {Name} could not be removed")]
    public static partial void NotRemoved(ILogger log, string name, Exception error);
}
