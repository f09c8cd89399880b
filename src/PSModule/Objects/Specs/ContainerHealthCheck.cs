using Wire = Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>How the engine finds out whether a container works. A text is a shell's command line; <c>none</c> switches the image's check off.</summary>
public sealed class ContainerHealthCheck
{
    public ContainerHealthCheck()
    {
    }

    public ContainerHealthCheck(string shellCommand)
    {
        ArgumentNullException.ThrowIfNull(shellCommand);
        if (string.Equals(shellCommand, "none", StringComparison.OrdinalIgnoreCase)) Disabled = true;
        else ShellCommand = shellCommand;
    }

    /// <summary>A command line for the container's shell.</summary>
    public string ShellCommand { get; set; } = "";

    /// <summary>A program and its arguments, without a shell.</summary>
    public string[] Command { get; set; } = [];

    /// <summary>No check, whatever the image says.</summary>
    public bool Disabled { get; set; }

    /// <summary>Between two checks; null is the image's or the engine's default (30 s). The same for the other times.</summary>
    public TimeSpan? Interval { get; set; }

    /// <summary>How long one check may take.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>After the start: failures do not count.</summary>
    public TimeSpan? StartPeriod { get; set; }

    /// <summary>Between two checks during the start period.</summary>
    public TimeSpan? StartInterval { get; set; }

    /// <summary>Failures in a row until the container is unhealthy.</summary>
    public int? Retries { get; set; }

    internal static ContainerHealthCheck? From(Wire.HealthConfig? config)
    {
        if (config?.Test is not { Count: > 0 } test) return null;
        return new ContainerHealthCheck
        {
            Disabled = test[0] == "NONE",
            ShellCommand = test[0] == "CMD-SHELL" ? string.Join(' ', test.Skip(1)) : "",
            Command = test[0] == "CMD" ? [.. test.Skip(1)] : [],
            Interval = Time(config.Interval),
            Timeout = Time(config.Timeout),
            StartPeriod = Time(config.StartPeriod),
            StartInterval = Time(config.StartInterval),
            Retries = config.Retries == 0 ? null : config.Retries,
        };
    }

    internal Wire.HealthConfig ToWire() => new()
    {
        Test = Disabled ? ["NONE"] : Command.Length > 0 ? ["CMD", .. Command] : ShellCommand.Length > 0 ? ["CMD-SHELL", ShellCommand] : null,
        Interval = Nanoseconds(Interval),
        Timeout = Nanoseconds(Timeout),
        StartPeriod = Nanoseconds(StartPeriod),
        StartInterval = Nanoseconds(StartInterval),
        Retries = Retries ?? 0,
    };

    private static TimeSpan? Time(long nanoseconds) => nanoseconds == 0 ? null : TimeSpan.FromTicks(nanoseconds / 100);

    private static long Nanoseconds(TimeSpan? time) => (time?.Ticks ?? 0) * 100;

    public override string ToString() => Disabled ? "none" : Command.Length > 0 ? string.Join(' ', Command) : ShellCommand;
}
