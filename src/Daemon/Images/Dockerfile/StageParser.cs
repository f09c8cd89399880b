using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Orders a Dockerfile's commands into stages.</summary>
internal static class StageParser
{
    /// <param name="text">The file's content.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static BuildPlan Parse(string text, string name)
    {
        DockerfileText file;
        try
        {
            file = DockerfileParser.Parse(text);
        }
        catch (EngineException e)
        {
            throw EngineException.InvalidParameter($"failed to parse {name}: {e.Message}", e);
        }
        var arguments = new List<ArgCommand>();
        var stages = new List<(FromCommand From, List<DockerfileCommand> Commands)>();
        foreach (var instruction in file.Instructions)
        {
            var command = ParseCommand(instruction);
            if (command is FromCommand from) stages.Add((from, []));
            else if (stages.Count > 0) stages[^1].Commands.Add(command);
            else if (command is ArgCommand argument) arguments.Add(argument);
            else throw EngineException.InvalidParameter("no build stage in current context");
        }
        return new BuildPlan(arguments, [.. stages.Select(s => new BuildStage(s.From, s.Commands))], file.Escape, file.Warnings);
    }

    private static DockerfileCommand ParseCommand(Instruction instruction)
    {
        try
        {
            return CommandParser.Parse(instruction);
        }
        catch (EngineException e)
        {
            throw EngineException.InvalidParameter(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"dockerfile parse error on line {instruction.Line}: {e.Message}"), e);
        }
    }

    /// <summary>The plan up to a stage, which becomes the last.</summary>
    /// <param name="target">A stage's name.</param>
    /// <exception cref="EngineException">400: no stage has that name.</exception>
    public static BuildPlan UpTo(this BuildPlan plan, string target)
    {
        int index = plan.Stages.ToList().FindIndex(s => s.From.StageName.Equals(target, StringComparison.OrdinalIgnoreCase));
        if (index < 0) throw EngineException.InvalidParameter($"target stage {GoText.Quote(target)} could not be found");
        return plan with { Stages = [.. plan.Stages.Take(index + 1)] };
    }

    /// <summary>The plan with the request's labels at its end, in the order of their names.</summary>
    public static BuildPlan WithLabels(this BuildPlan plan, IReadOnlyDictionary<string, string> labels)
    {
        if (labels.Count == 0 || plan.Stages.Count == 0) return plan;
        var last = plan.Stages[^1];
        var added = labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => new LabelCommand($"LABEL {l.Key}={l.Value}", [(l.Key, l.Value)], Literal: true));
        return plan with { Stages = [.. plan.Stages.SkipLast(1), last with { Commands = [.. last.Commands, .. added] }] };
    }
}
