using System.Collections.ObjectModel;
using System.Globalization;

namespace Gantry.PowerShell.Objects;

/// <summary>A process that runs in a container, as the host's <c>ps</c> shows it.</summary>
public sealed class ContainerProcess
{
    internal ContainerProcess(string container, string containerId, IReadOnlyList<string> titles, IReadOnlyList<string> values)
    {
        Container = container;
        ContainerId = containerId;
        var columns = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < titles.Count && i < values.Count; i++) columns[titles[i]] = values[i];
        Columns = new ReadOnlyDictionary<string, string>(columns);
        ProcessId = Number("PID");
        ParentProcessId = Number("PPID");
        User = First("USER", "UID", "RUSER", "EUSER");
        CommandLine = First("COMMAND", "CMD", "ARGS");
    }

    /// <summary>The container's name.</summary>
    public string Container { get; }

    public string ContainerId { get; }

    /// <summary>As the host sees it.</summary>
    public int? ProcessId { get; }

    public int? ParentProcessId { get; }

    public string User { get; }

    public string CommandLine { get; }

    /// <summary>Every column by its title.</summary>
    public ReadOnlyDictionary<string, string> Columns { get; }

    private int? Number(string title) => int.TryParse(Columns.GetValueOrDefault(title), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private string First(params string[] titles) => titles.Select(t => Columns.GetValueOrDefault(t)).FirstOrDefault(v => v is not null) ?? "";

    public override string ToString() => $"{ProcessId?.ToString(CultureInfo.InvariantCulture)} {CommandLine}";
}
