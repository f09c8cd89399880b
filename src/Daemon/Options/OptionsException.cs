namespace Gantry.Daemon.Options;

/// <summary>The command line or the configuration file asks for something that cannot be.</summary>
/// <param name="usage">It is the command line's form that is wrong: the usage text goes with it, and the process exits with 2 instead of 1.</param>
public sealed class OptionsException(string message, bool usage = false) : Exception(message)
{
    public bool Usage { get; } = usage;
}
