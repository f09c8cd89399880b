using System.Globalization;
using Wire = Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>When the engine starts a container again by itself.</summary>
public enum ContainerRestartMode
{
    No,
    Always,
    UnlessStopped,
    OnFailure,
}

/// <summary>A restart policy. Written as <c>no</c>, <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c> or <c>on-failure:3</c>.</summary>
public sealed class ContainerRestartPolicy
{
    public ContainerRestartPolicy()
    {
    }

    /// <exception cref="FormatException">It is none of the policies.</exception>
    public ContainerRestartPolicy(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Trim().Split(':');
        Mode = parts[0].Replace("-", "", StringComparison.Ordinal).ToLowerInvariant() switch
        {
            "no" or "" => ContainerRestartMode.No,
            "always" => ContainerRestartMode.Always,
            "unlessstopped" => ContainerRestartMode.UnlessStopped,
            "onfailure" => ContainerRestartMode.OnFailure,
            _ => throw Invalid(text),
        };
        if (parts.Length == 1) return;
        if (parts.Length > 2 || Mode != ContainerRestartMode.OnFailure || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count)) throw Invalid(text);
        MaximumRetryCount = count;
    }

    public ContainerRestartMode Mode { get; set; }

    /// <summary>Of OnFailure: how often; 0 is without end.</summary>
    public int MaximumRetryCount { get; set; }

    private static FormatException Invalid(string text) => new($"'{text}' is not a restart policy: it is no, always, unless-stopped, on-failure or on-failure:COUNT.");

    internal static ContainerRestartPolicy From(Wire.RestartPolicy policy) => new(policy.Name) { MaximumRetryCount = policy.MaximumRetryCount };

    internal Wire.RestartPolicy ToWire() => new() { Name = Name, MaximumRetryCount = MaximumRetryCount };

    private string Name => Mode switch
    {
        ContainerRestartMode.Always => "always",
        ContainerRestartMode.UnlessStopped => "unless-stopped",
        ContainerRestartMode.OnFailure => "on-failure",
        _ => "no",
    };

    public override string ToString() => MaximumRetryCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Name}:{MaximumRetryCount}") : Name;
}
