namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>One instruction of a Dockerfile, its continuation lines joined (Dockerfile reference, "Format").</summary>
/// <param name="Line">The number of its first line, from 1.</param>
/// <param name="Keyword">In upper case: <c>ENV</c>.</param>
/// <param name="Flags">Words before the arguments that begin with <c>--</c>, without their quotes.</param>
/// <param name="Arguments">The rest of the text.</param>
/// <param name="Original">The whole text.</param>
internal sealed record Instruction(int Line, string Keyword, IReadOnlyList<string> Flags, string Arguments, string Original)
{
    /// <summary>The keyword as it was written.</summary>
    public string WrittenKeyword { get; init; } = Keyword;

    /// <summary>The arguments cut up in the way of the keyword: words of a JSON array, words between blanks, or the whole text as one.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>The words stood in a JSON array: the exec form.</summary>
    public bool IsJson { get; init; }

    /// <summary>The pairs of <c>ENV</c> and <c>LABEL</c>, their quotes and variables as they stand.</summary>
    public IReadOnlyList<(string Name, string Value)> Pairs { get; init; } = [];

    /// <summary>Here-documents that follow the instruction's line.</summary>
    public IReadOnlyList<Heredoc> Heredocs { get; init; } = [];
}

/// <summary>A text that follows an instruction's line up to a line with its name alone (Dockerfile reference, "Here-Documents").</summary>
/// <param name="Name">Ends the text; the name of the file that a copy makes of it.</param>
/// <param name="Descriptor">The number before <c>&lt;&lt;</c>, empty for none.</param>
/// <param name="Expand">Variables are replaced: no part of the name is quoted.</param>
/// <param name="StripTabs">Tabs at the beginnings of lines do not belong to the text (<c>&lt;&lt;-</c>).</param>
internal sealed record Heredoc(string Name, string Descriptor, bool Expand, bool StripTabs)
{
    public string Content { get; init; } = "";
}

/// <summary>A Dockerfile as its parser has read it.</summary>
/// <param name="Escape">The escape character that it uses.</param>
/// <param name="Warnings">What its author should mend, in dockerd's words.</param>
internal sealed record DockerfileText(IReadOnlyList<Instruction> Instructions, char Escape, IReadOnlyList<string> Warnings);
