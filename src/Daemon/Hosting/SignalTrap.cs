using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Hosting;

/// <summary>What signals do to the daemon (reference A16): the first INT or TERM ends it in order, the second and third are ignored, the fourth ends it at once.</summary>
/// <remarks>SIGQUIT exits with 131 without any clean-up, unless <c>DEBUG</c> is set: then the runtime's own treatment stays. SIGHUP, a lost terminal, is ignored.</remarks>
internal sealed class SignalTrap : IDisposable
{
    private const int Hangup = 1, Quit = 3, ForceAt = 4;
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly Action shutdown;
    private readonly Action<int> exit;
    private readonly ILogger log;
    private int count;

    /// <param name="shutdown">Starts the ordered end; it returns at once, and the process exits with 0 when the end is reached.</param>
    /// <param name="exit">Ends the process at once with a code.</param>
    public SignalTrap(Action shutdown, ILogger log, Action<int>? exit = null)
    {
        this.shutdown = shutdown;
        this.log = log;
        this.exit = exit ?? ExitNow;
    }

    public void Install(bool trapQuit)
    {
        Trap(PosixSignal.SIGINT, 2);
        Trap(PosixSignal.SIGTERM, 15);
        Trap(PosixSignal.SIGHUP, Hangup);
        if (trapQuit) Trap(PosixSignal.SIGQUIT, Quit);
    }

    private void Trap(PosixSignal signal, int number) => registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        Received(number);
    }));

    internal void Received(int number)
    {
        switch (number)
        {
            case Hangup:
                HostLog.HangupIgnored(log);
                return;
            case Quit:
                exit(128 + Quit);
                return;
        }
        HostLog.SignalReceived(log, number == 2 ? "interrupt" : "terminated");
        int nth = Interlocked.Increment(ref count);
        if (nth == 1)
        {
            shutdown();
        }
        else if (nth == ForceAt)
        {
            HostLog.ForcedShutdown(log);
            exit(128 + number);
        }
    }

    /// <summary>Neither finalizers nor exit handlers: one of those may be what hangs.</summary>
    private static void ExitNow(int code) => Syscall.Call(SyscallNumber.ExitGroup, code);

    public void Dispose() => registrations.ForEach(r => r.Dispose());
}
