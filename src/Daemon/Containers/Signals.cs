using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Containers;

/// <summary>Signals as requests name them.</summary>
internal static class Signals
{
    public const int Term = 15, Kill = 9;

    /// <summary>The same for a signal that is to be sent: a number that is none has words of its own.</summary>
    /// <exception cref="EngineException">400.</exception>
    public static int ParseSendable(string signal) =>
        int.TryParse(signal, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 64
            ? throw EngineException.InvalidParameter($"the linux daemon does not support signal {number}")
            : Parse(signal);

    /// <exception cref="EngineException">400 <c>invalid signal: X</c>.</exception>
    public static int Parse(string signal) => SignalName.TryParse(signal, out int number) ? number : throw EngineException.InvalidParameter($"invalid signal: {signal}");
}
