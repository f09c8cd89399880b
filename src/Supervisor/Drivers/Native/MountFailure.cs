using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>A bind that does not fit its mount point, in the words that users know (reference B12).</summary>
internal static class MountFailure
{
    private const string Start = "error mounting \"";

    public static string Step(MountSpec mount) => $"{Start}{mount.Source}\" to rootfs at \"{mount.Destination}\"";

    /// <summary>A directory on a file, or a file on a directory.</summary>
    public static bool Is(KernelException error) => error.Step.StartsWith(Start, StringComparison.Ordinal) && error.Errno is Errno.ENOTDIR or Errno.EINVAL;

    public static Failure Describe(KernelException error) => new()
    {
        Kind = FailureKind.CommandNotFound,
        Message = $"{error.Step}: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type",
        Step = error.Step,
        Errno = (int)error.Errno,
    };
}
