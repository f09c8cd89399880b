namespace Gantry.Supervisor.Systemd;

/// <summary>systemd cannot be reached, or does not do what it was asked for; the message says what.</summary>
public sealed class SystemdException : Exception
{
    public SystemdException()
    {
    }

    public SystemdException(string message)
        : base(message)
    {
    }

    public SystemdException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
