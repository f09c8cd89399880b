using Gantry.Protocol.Engine;

namespace Gantry.PowerShell.Objects;

/// <summary>A command of the engine, as the engine describes it.</summary>
public sealed class EngineCommand
{
    internal EngineCommand(CommandDescription description, EngineSession session)
    {
        Name = description.Name;
        Synopsis = description.Synopsis;
        Parameters = [.. description.Parameters.Select(p => new EngineCommandParameter(p))];
        Request = description.Request;
        Response = description.Response;
        Routes = [.. description.Routes];
        Since = description.Since;
        Permission = description.Permission;
        IsInternal = description.Internal;
        Session = session;
    }

    public string Name { get; }

    /// <summary>One sentence.</summary>
    public string Synopsis { get; }

    public EngineCommandParameter[] Parameters { get; }

    /// <summary>The type of its request; empty when it takes none.</summary>
    public string Request { get; }

    /// <summary>The type of its answer: a name, <c>stream of X</c> or <c>nothing</c>.</summary>
    public string Response { get; }

    /// <summary>The routes of the Docker API that run it: <c>POST /containers/{name}/start</c>.</summary>
    public string[] Routes { get; }

    /// <summary>The API version that has it first; <c>gantry</c> where Docker has no such thing.</summary>
    public string Since { get; }

    /// <summary><c>read</c>, <c>write</c> or <c>admin</c>.</summary>
    public string Permission { get; }

    /// <summary>Run by the engine itself and by nobody else.</summary>
    public bool IsInternal { get; }

    public EngineSession Session { get; }

    public override string ToString() => Name;
}

/// <summary>An argument of an engine command.</summary>
public sealed class EngineCommandParameter
{
    internal EngineCommandParameter(ParameterDescription description)
    {
        Name = description.Name;
        Type = description.Type;
        Location = description.In;
        IsRequired = description.Required;
        Position = description.Position;
        Default = description.Default;
        Description = description.Description;
    }

    public string Name { get; }

    /// <summary><c>string</c>, <c>integer</c>, <c>boolean</c>, <c>strings</c>, <c>duration</c>, <c>object</c> or <c>stream</c>.</summary>
    public string Type { get; }

    /// <summary>Where the route carries it: <c>path</c>, <c>query</c>, <c>header</c>, <c>body</c>, or empty.</summary>
    public string Location { get; }

    public bool IsRequired { get; }

    /// <summary>Its place on a command line without names; -1 when it needs its name.</summary>
    public int Position { get; }

    public string? Default { get; }

    public string Description { get; }

    /// <summary><c>name &lt;string&gt;</c>, in brackets when it may be left out.</summary>
    public override string ToString() => IsRequired ? $"{Name} <{Type}>" : $"[{Name} <{Type}>]";
}
