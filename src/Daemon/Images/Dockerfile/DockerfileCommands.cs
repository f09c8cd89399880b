using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>An instruction whose arguments have been checked: what is to be done, variables not yet replaced.</summary>
/// <param name="Text">As its step shows it.</param>
internal abstract record DockerfileCommand(string Text);

/// <param name="BaseName">A stage, an image, or <c>scratch</c>; may have variables of the arguments above the first <c>FROM</c>.</param>
/// <param name="StageName">In lower case; empty for none.</param>
internal sealed record FromCommand(string Text, string BaseName, string StageName, string Platform) : DockerfileCommand(Text);

/// <param name="Arguments">A null value has no default.</param>
internal sealed record ArgCommand(string Text, IReadOnlyList<(string Name, string? Value)> Arguments) : DockerfileCommand(Text);

internal sealed record EnvCommand(string Text, IReadOnlyList<(string Name, string Value)> Pairs) : DockerfileCommand(Text);

/// <param name="Literal">From the request and not from the file: nothing is replaced.</param>
internal sealed record LabelCommand(string Text, IReadOnlyList<(string Name, string Value)> Pairs, bool Literal = false) : DockerfileCommand(Text);

internal sealed record MaintainerCommand(string Text, string Name) : DockerfileCommand(Text);

/// <summary>A command line in shell form (one word, to be put behind the shell) or exec form.</summary>
internal sealed record CommandLine(IReadOnlyList<string> Words, bool IsJson);

/// <param name="Heredocs">Scripts that follow the line.</param>
internal sealed record RunCommand(string Text, CommandLine Line, IReadOnlyList<Heredoc> Heredocs) : DockerfileCommand(Text)
{
    /// <summary>The first flag, all of which are BuildKit's (<c>--mount</c>); empty for none.</summary>
    public string Flag { get; init; } = "";
}

internal sealed record CmdCommand(string Text, CommandLine Line) : DockerfileCommand(Text);

internal sealed record EntrypointCommand(string Text, CommandLine Line) : DockerfileCommand(Text);

internal sealed record ShellCommand(string Text, IReadOnlyList<string> Words) : DockerfileCommand(Text);

internal sealed record WorkdirCommand(string Text, string Path) : DockerfileCommand(Text);

internal sealed record UserCommand(string Text, string User) : DockerfileCommand(Text);

internal sealed record ExposeCommand(string Text, IReadOnlyList<string> Ports) : DockerfileCommand(Text);

internal sealed record VolumeCommand(string Text, IReadOnlyList<string> Paths) : DockerfileCommand(Text);

internal sealed record StopSignalCommand(string Text, string Signal) : DockerfileCommand(Text);

internal sealed record HealthcheckCommand(string Text, HealthConfig Health) : DockerfileCommand(Text);

/// <param name="Trigger">The instruction to run in the builds of others.</param>
internal sealed record OnbuildCommand(string Text, string Trigger) : DockerfileCommand(Text);

/// <summary><c>COPY</c> and <c>ADD</c>.</summary>
/// <param name="Sources">Paths, patterns and, for <c>ADD</c>, URLs; without the here-documents among them.</param>
/// <param name="Heredocs">Files whose content stands in the Dockerfile.</param>
internal sealed record CopyCommand(string Text, bool IsAdd, IReadOnlyList<string> Sources, IReadOnlyList<Heredoc> Heredocs, string Destination) : DockerfileCommand(Text)
{
    /// <summary>A stage's name or number, or an image; empty for the build context.</summary>
    public string From { get; init; } = "";

    public string Owner { get; init; } = "";

    /// <summary>Octal digits; empty leaves modes as they are.</summary>
    public string Mode { get; init; } = "";

    /// <summary><c>sha256:…</c> of what a URL must give; empty is not checked.</summary>
    public string Checksum { get; init; } = "";

    /// <summary>Whether archives are unpacked; null is the instruction's own habit.</summary>
    public bool? Unpack { get; init; }

    /// <summary>Patterns of what is left out.</summary>
    public IReadOnlyList<string> Excluded { get; init; } = [];

    public string Keyword => IsAdd ? "ADD" : "COPY";
}

/// <summary>One stage: where it begins and what is done.</summary>
internal sealed record BuildStage(FromCommand From, IReadOnlyList<DockerfileCommand> Commands);

/// <summary>A whole Dockerfile, ready to be run.</summary>
/// <param name="Arguments">Those above the first <c>FROM</c>.</param>
internal sealed record BuildPlan(IReadOnlyList<ArgCommand> Arguments, IReadOnlyList<BuildStage> Stages, char Escape, IReadOnlyList<string> Warnings)
{
    /// <summary>How many steps the output counts.</summary>
    public int Steps => Arguments.Count + Stages.Sum(s => s.Commands.Count + 1);
}
