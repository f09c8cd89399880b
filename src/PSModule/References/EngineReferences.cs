using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>Names an engine command: an object of Get-EngineCommand, or a name.</summary>
public sealed class EngineCommandReference
{
    public EngineCommandReference(string name)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new ArgumentException("An engine command's name cannot be empty.", nameof(name));
        Name = name;
    }

    public EngineCommandReference(EngineCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        Name = command.Name;
        Command = command;
    }

    public string Name { get; }

    /// <summary>The object that was given; null for a name.</summary>
    public EngineCommand? Command { get; }

    public override string ToString() => Name;
}

/// <summary>Names an engine job: an object of Get-EngineJob, or an id.</summary>
public sealed class EngineJobReference
{
    public EngineJobReference(string id)
    {
        if (string.IsNullOrWhiteSpace(id)) throw new ArgumentException("An engine job's id cannot be empty.", nameof(id));
        Id = id;
    }

    public EngineJobReference(EngineJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        Id = job.Id;
        Job = job;
    }

    public string Id { get; }

    /// <summary>The object that was given; null for an id.</summary>
    public EngineJob? Job { get; }

    public EngineSession? Session => Job?.Session;

    public override string ToString() => Job?.ToString() ?? Id;
}
