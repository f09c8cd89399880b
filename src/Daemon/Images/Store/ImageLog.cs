using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Images;

internal static partial class ImageLog
{
    [LoggerMessage(1, LogLevel.Error, "layer {Chain} is listed in the database and is not on disk: images that need it are not served")]
    public static partial void LayerMissing(ILogger log, string chain);

    [LoggerMessage(2, LogLevel.Error, "image {Id} is not served: {Reason}")]
    public static partial void ImageUnusable(ILogger log, string id, string reason);

    [LoggerMessage(3, LogLevel.Information, "removed {Layers} layers and {Blobs} blobs that nothing needs")]
    public static partial void Collected(ILogger log, int layers, int blobs);

    [LoggerMessage(4, LogLevel.Warning, "files of a deleted layer could not be removed; the next start tries again")]
    public static partial void LeftoversRemain(ILogger log, Exception error);
}
