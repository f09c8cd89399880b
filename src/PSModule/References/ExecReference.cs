using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>Names a process that was started in a container: an object of this module, or an id.</summary>
public sealed class ExecReference
{
    public ExecReference(string id)
    {
        if (string.IsNullOrWhiteSpace(id)) throw new ArgumentException("The id of a process cannot be empty.", nameof(id));
        Id = id;
    }

    public ExecReference(ContainerExec exec)
    {
        ArgumentNullException.ThrowIfNull(exec);
        Id = exec.Id;
        Session = exec.Session;
    }

    public string Id { get; }

    /// <summary>The session of the object that was given.</summary>
    public EngineSession? Session { get; }

    public override string ToString() => Id;
}
