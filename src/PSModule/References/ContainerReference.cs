using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>Names containers: an object of this module, a name, an id or its beginning, or a wildcard pattern over names.</summary>
public sealed class ContainerReference
{
    /// <summary>A name, an id or its beginning, or a pattern.</summary>
    public ContainerReference(string text)
    {
        if (string.IsNullOrWhiteSpace(text)) throw new ArgumentException("A container's name or id cannot be empty.", nameof(text));
        Text = text.TrimStart('/');
        IsPattern = WildcardPattern.ContainsWildcardCharacters(Text);
    }

    public ContainerReference(Container container)
        : this(container.Id, container.Name, container.Session)
    {
    }

    public ContainerReference(ContainerDetail container)
        : this(container.Id, container.Name, container.Session)
    {
    }

    public ContainerReference(ContainerExit exit)
        : this(exit.Id, exit.Name, exit.Session)
    {
    }

    public ContainerReference(ContainerStat stat)
        : this(stat.Id, stat.Name, stat.Session)
    {
    }

    public ContainerReference(ContainerExec exec)
        : this(exec.ContainerId, exec.Container, exec.Session)
    {
    }

    public ContainerReference(ContainerCheckpoint checkpoint)
        : this(checkpoint.ContainerId, checkpoint.Container, checkpoint.Session)
    {
    }

    private ContainerReference(string id, string name, EngineSession session)
    {
        Id = id;
        Text = name;
        Session = session;
    }

    /// <summary>What was given: a name, id or pattern.</summary>
    public string Text { get; }

    /// <summary>The full id, when an object was given.</summary>
    public string? Id { get; }

    public bool IsPattern { get; }

    /// <summary>The session of the object that was given.</summary>
    public EngineSession? Session { get; }

    public override string ToString() => Text;
}
