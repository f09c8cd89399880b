using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Turns the kernel's refusal to execute a command into the words and the kind that users and clients know (reference B12).</summary>
internal static class CommandFailure
{
    public const string Step = "exec", SearchStep = "exec from PATH", DirectoryStep = "exec of a directory";

    public static bool Is(KernelException error) => error.Step is Step or SearchStep or DirectoryStep;

    /// <param name="denied">A file of that name was found, and execution was refused.</param>
    public static Failure Describe(KernelException error, string command, bool denied)
    {
        string quoted = $"exec: \"{command}\"";
        return error switch
        {
            { Step: SearchStep } when denied && command.Length > 0 => Of(FailureKind.CommandNotExecutable, $"{quoted}: permission denied", Errno.EACCES),
            { Step: SearchStep } => Of(FailureKind.CommandNotFound, $"{quoted}: executable file not found in $PATH", error.Errno),
            { Errno: Errno.ENOENT } => Of(FailureKind.CommandNotFound, $"{quoted}: stat {command}: no such file or directory", error.Errno),
            { Errno: Errno.ENOTDIR } => Of(FailureKind.CommandNotFound, $"{quoted}: stat {command}: not a directory", error.Errno),
            { Step: DirectoryStep } or { Errno: Errno.EISDIR } => Of(FailureKind.CommandNotExecutable, $"{quoted}: is a directory: permission denied", error.Errno),
            _ => Of(FailureKind.CommandNotExecutable, $"{quoted}: {error.Errno.Describe()}", error.Errno),
        };
    }

    private static Failure Of(FailureKind kind, string message, Errno errno) => new() { Kind = kind, Message = message, Step = Step, Errno = (int)errno };
}
