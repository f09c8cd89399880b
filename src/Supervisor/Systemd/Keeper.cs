using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers;

namespace Gantry.Supervisor.Systemd;

/// <summary>A process that sleeps. systemd makes a scope around a process only, and takes it away with the last one in it. Disposing ends it.</summary>
internal sealed class Keeper : IDisposable
{
    private readonly PidFd process;
    private bool left;

    /// <exception cref="SystemdException">This host has no program for it.</exception>
    public Keeper()
    {
        string program = Array.Find(["/usr/bin/sleep", "/bin/sleep"], File.Exists) ?? throw new SystemdException("the program sleep is not on this host: install the package coreutils");
        try
        {
            process = new HostProgram { Command = [program, "infinity"], SharesMounts = true }.Start();
        }
        catch (DriverException e)
        {
            throw new SystemdException("a scope needs a process to begin with: " + e.Message, e);
        }
    }

    public int Pid => process.Pid;

    /// <summary>It stays when this object is disposed.</summary>
    public void Leave() => left = true;

    public void Dispose()
    {
        if (process.IsClosed) return;
        if (!left)
        {
            process.Signal(9);
            process.Wait();
        }
        process.Dispose();
    }
}
