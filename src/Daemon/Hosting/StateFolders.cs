using Gantry.Daemon.Options;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Hosting;

/// <summary>The daemon's two root folders, made when they are missing, and held so that no second daemon uses them.</summary>
internal sealed class StateFolders : IDisposable
{
    private readonly FileLock data, exec;

    private StateFolders(FileLock data, FileLock exec)
    {
        this.data = data;
        this.exec = exec;
    }

    /// <exception cref="OptionsException">Another daemon uses one of them.</exception>
    public static StateFolders Claim(DaemonOptions options)
    {
        var data = Claim(options.DataRoot, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, "data root");
        try
        {
            // Members of the socket's group must be able to pass through.
            var exec = Claim(options.ExecRoot, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute, "exec root");
            return new StateFolders(data, exec);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static FileLock Claim(string folder, UnixFileMode mode, string what)
    {
        Directory.CreateDirectory(folder, mode);
        File.SetUnixFileMode(folder, mode);
        return FileLock.TryAcquire(Path.Combine(folder, "lock")) ?? throw new OptionsException($"the {what} {folder} is in use by another gantryd");
    }

    public void Dispose()
    {
        data.Dispose();
        exec.Dispose();
    }
}
