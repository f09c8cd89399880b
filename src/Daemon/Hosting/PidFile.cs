using System.Globalization;
using System.Text;
using Gantry.Daemon.Options;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Hosting;

/// <summary>The file that says which process is the daemon. Who holds the lock on it is the daemon: a number alone may long belong to another process.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string path;
    private readonly FileLock claim;

    private PidFile(string path, FileLock claim)
    {
        this.path = path;
        this.claim = claim;
    }

    /// <summary>Claims the file for this process; one that a dead daemon left is taken over.</summary>
    /// <exception cref="OptionsException">A live daemon holds it (reference A24).</exception>
    public static PidFile Claim(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        var claim = FileLock.TryAcquire(path) ?? throw new OptionsException($"pid file found, ensure gantry is not running or delete {path}");
        RandomAccess.SetLength(claim.File, 0);
        RandomAccess.Write(claim.File, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"), 0);
        return new PidFile(path, claim);
    }

    /// <summary>Removes the file, then lets go of the lock: in this order no second daemon can lose its own file.</summary>
    public void Dispose()
    {
        File.Delete(path);
        claim.Dispose();
    }
}
