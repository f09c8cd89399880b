using System.Runtime.InteropServices;
using Gantry.Linux.Processes;

namespace Gantry.Supervisor.Runtime;

/// <summary>Passes the signals that this process gets on to the one that it waits for.</summary>
internal sealed class SignalForwarding : IDisposable
{
    private static readonly (PosixSignal Signal, int Number)[] Forwarded = [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15)];
    private readonly List<PosixSignalRegistration> registrations = [];

    public static SignalForwarding To(PidFd process)
    {
        var forwarding = new SignalForwarding();
        foreach (var (signal, number) in Forwarded)
        {
            forwarding.registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                process.Signal(number);
            }));
        }
        return forwarding;
    }

    public void Dispose() => registrations.ForEach(r => r.Dispose());
}
