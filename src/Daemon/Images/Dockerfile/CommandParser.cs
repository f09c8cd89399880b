using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Checks the form of instructions and makes commands of them. Everything that can be said against a Dockerfile before it runs is said here.</summary>
internal static partial class CommandParser
{
    private static readonly string[] Keywords =
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ];

    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static DockerfileCommand Parse(Instruction instruction)
    {
        string text = instruction.Original;
        switch (instruction.Keyword)
        {
            case "FROM": return From(instruction);
            case "ARG": return Arg(instruction);
            case "ENV":
                InstructionFlags.None(instruction);
                return new EnvCommand(text, Pairs(instruction));
            case "LABEL":
                InstructionFlags.None(instruction);
                return new LabelCommand(text, Pairs(instruction));
            case "MAINTAINER": return new MaintainerCommand(text, Single(instruction));
            case "RUN": return Run(instruction);
            case "CMD": return new CmdCommand(text, Line(instruction));
            case "ENTRYPOINT": return new EntrypointCommand(text, Line(instruction));
            case "SHELL": return Shell(instruction);
            case "WORKDIR": return new WorkdirCommand(text, Single(instruction));
            case "USER": return new UserCommand(text, Single(instruction));
            case "STOPSIGNAL": return new StopSignalCommand(text, Single(instruction));
            case "EXPOSE":
                RequireAny(instruction);
                InstructionFlags.None(instruction);
                return new ExposeCommand(text, [.. instruction.Words.Order(StringComparer.Ordinal)]);
            case "VOLUME": return Volume(instruction);
            case "HEALTHCHECK": return new HealthcheckCommand(text, HealthcheckInstruction.Parse(instruction));
            case "ONBUILD": return Onbuild(instruction);
            case "ADD" or "COPY": return Copy(instruction);
            default: throw EngineException.InvalidParameter($"unknown instruction: {instruction.WrittenKeyword}{Suggestion.For(instruction.WrittenKeyword, Keywords, sameCase: false)}");
        }
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition) throw EngineException.InvalidParameter(otherwise);
    }

    private static void RequireAny(Instruction instruction) => Require(instruction.Words.Count > 0, $"{instruction.Keyword} requires at least one argument");

    private static string Single(Instruction instruction)
    {
        Require(instruction.Words.Count == 1, $"{instruction.Keyword} requires exactly one argument");
        InstructionFlags.None(instruction);
        return instruction.Words[0];
    }

    private static IReadOnlyList<(string Name, string Value)> Pairs(Instruction instruction)
    {
        Require(instruction.Pairs.Count > 0, $"{instruction.Keyword} requires at least one argument");
        Require(!instruction.Pairs.Any(p => p.Name.Length == 0), $"{instruction.Keyword} names can not be blank");
        return instruction.Pairs;
    }

    private static CommandLine Line(Instruction instruction)
    {
        InstructionFlags.None(instruction);
        return new CommandLine(instruction.Words, instruction.IsJson);
    }

    private static FromCommand From(Instruction instruction)
    {
        var words = instruction.Words;
        bool named = words.Count == 3 && words[1].Equals("as", StringComparison.OrdinalIgnoreCase);
        Require(named || words.Count == 1, "FROM requires either one or three arguments");
        string name = named ? words[2].ToLowerInvariant() : "";
        Require(!named || StageName().IsMatch(name), $"invalid name for build stage: {GoText.Quote(named ? words[2] : "")}, name can't start with a number or contain symbols");
        return new FromCommand(instruction.Original, words[0], name, InstructionFlags.Read(instruction, ["platform"]).Text("platform"));
    }

    [GeneratedRegex("^[a-z][a-z0-9-_.]*$", RegexOptions.CultureInvariant)]
    private static partial Regex StageName();

    private static ArgCommand Arg(Instruction instruction)
    {
        RequireAny(instruction);
        var arguments = new List<(string, string?)>();
        foreach (string word in instruction.Words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            Require(equals != 0, "ARG names can not be blank");
            arguments.Add(equals < 0 ? (word, null) : (word[..equals], word[(equals + 1)..]));
        }
        return new ArgCommand(instruction.Original, arguments);
    }

    private static RunCommand Run(Instruction instruction)
    {
        InstructionFlags.Read(instruction, ["network", "security"], repeated: ["mount", "device"]);
        return new RunCommand(instruction.Original, new CommandLine(instruction.Words, instruction.IsJson), instruction.Heredocs)
        {
            Flag = instruction.Flags is [var flag, ..] ? flag.Split('=')[0] : "",
        };
    }

    private static ShellCommand Shell(Instruction instruction)
    {
        InstructionFlags.None(instruction);
        RequireAny(instruction);
        Require(instruction.IsJson, $"SHELL requires the arguments to be in JSON form");
        return new ShellCommand(instruction.Original, instruction.Words);
    }

    private static VolumeCommand Volume(Instruction instruction)
    {
        RequireAny(instruction);
        InstructionFlags.None(instruction);
        var paths = instruction.Words.Select(w => w.Trim()).ToList();
        Require(!paths.Contains(""), "VOLUME specified can not be an empty string");
        return new VolumeCommand(instruction.Original, paths);
    }

    private static OnbuildCommand Onbuild(Instruction instruction)
    {
        RequireAny(instruction);
        InstructionFlags.None(instruction);
        string trigger = DockerfileParser.Split(0, instruction.Arguments).Keyword;
        Require(trigger != "ONBUILD", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        Require(trigger is not ("FROM" or "MAINTAINER"), $"{trigger} isn't allowed as an ONBUILD trigger");
        // The here-documents go with the trigger.
        return new OnbuildCommand(instruction.Original, string.Concat([instruction.Arguments, .. instruction.Heredocs.Select(h => $"\n{h.Content}{h.Name}")]));
    }

    private static CopyCommand Copy(Instruction instruction)
    {
        bool add = instruction.Keyword == "ADD";
        Require(instruction.Words.Count > 1, $"{instruction.Keyword} requires at least two arguments, but only one was provided. Destination could not be determined");
        var flags = add
            ? InstructionFlags.Read(instruction, ["chown", "chmod", "checksum"], ["link", "keep-git-dir", "unpack"], ["exclude"])
            : InstructionFlags.Read(instruction, ["chown", "from", "chmod"], ["link"], ["exclude"]);
        string destination = instruction.Words[^1];
        Require(instruction.IsJson || Heredocs.Read(destination) is null, $"{instruction.Keyword} cannot accept a heredoc as a destination");
        var sources = new List<string>();
        var documents = new List<Heredoc>();
        foreach (string word in Joined(instruction))
        {
            if (instruction.IsJson || Heredocs.Read(word) is not { } announced) sources.Add(word);
            else documents.Add(instruction.Heredocs.FirstOrDefault(h => h.Name == announced.Name) ?? announced);
        }
        Require(!(flags.Text("from").Length > 0 && documents.Count > 0), "COPY --from with a here-document is not supported");
        return new CopyCommand(instruction.Original, add, sources, documents, destination)
        {
            From = flags.Text("from"),
            Owner = flags.Text("chown"),
            Mode = flags.Text("chmod"),
            Checksum = flags.Text("checksum"),
            Unpack = flags.Switch("unpack"),
            Excluded = flags.List("exclude"),
        };
    }

    /// <summary>The sources; an announcement that was cut at a blank (<c>&lt;&lt; EOF</c>) is put together again.</summary>
    private static IEnumerable<string> Joined(Instruction instruction)
    {
        for (int i = 0; i < instruction.Words.Count - 1; i++)
        {
            string word = instruction.Words[i];
            yield return !instruction.IsJson && word is "<<" or "<<-" && i + 1 < instruction.Words.Count - 1 ? word + instruction.Words[++i] : word;
        }
    }
}
