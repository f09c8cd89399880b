using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Applies commands that only change an image's configuration: those of <c>import --change</c> and <c>commit --change</c>, and most of a Dockerfile's.</summary>
/// <param name="config">What to begin with; it stays as it is.</param>
/// <param name="escape">The Dockerfile's escape character.</param>
internal sealed class ConfigChanges(ContainerConfig config, char escape = DockerfileParser.DefaultEscape)
{
    private static readonly List<string> DefaultShell = ["/bin/sh", "-c"];

    private bool commandIsSet;

    /// <summary>The configuration as the commands have left it.</summary>
    public ContainerConfig Config { get; } = Copy(config);

    /// <summary>What <c>MAINTAINER</c> said last.</summary>
    public string Author { get; private set; } = "";

    /// <summary>The shell that command lines are put behind.</summary>
    public List<string> Shell => Config.Shell is { Count: > 0 } shell ? shell : DefaultShell;

    /// <summary>A copy that shares nothing that can be changed.</summary>
    public static ContainerConfig Copy(ContainerConfig config) => config with
    {
        Env = config.Env is null ? null : [.. config.Env],
        Cmd = config.Cmd is null ? null : [.. config.Cmd],
        Entrypoint = config.Entrypoint is null ? null : [.. config.Entrypoint],
        Shell = config.Shell is null ? null : [.. config.Shell],
        Labels = config.Labels is null ? null : new(config.Labels, StringComparer.Ordinal),
        ExposedPorts = config.ExposedPorts is null ? null : new(config.ExposedPorts, StringComparer.Ordinal),
        Volumes = config.Volumes is null ? null : new(config.Volumes, StringComparer.Ordinal),
        OnBuild = config.OnBuild is null ? null : [.. config.OnBuild],
    };

    /// <summary>Applies the values of a <c>changes</c> parameter to a copy of a configuration.</summary>
    /// <exception cref="EngineException">400, in dockerd's words: an instruction that is unknown, not allowed here or malformed.</exception>
    public static ContainerConfig Apply(ContainerConfig config, IReadOnlyList<string> changes)
    {
        if (changes.Count == 0) return config;
        var file = DockerfileParser.Parse(string.Join('\n', changes));
        foreach (var instruction in file.Instructions)
        {
            if (!IsAllowed(instruction.Keyword)) throw EngineException.InvalidParameter($"{instruction.WrittenKeyword} is not a valid change command");
        }
        var result = new ConfigChanges(config, file.Escape);
        foreach (var command in file.Instructions.Select(CommandParser.Parse).ToList()) result.Apply(command, []);
        return result.Config;
    }

    /// <summary>dockerd's list; <c>SHELL</c> is not on it.</summary>
    private static bool IsAllowed(string keyword) =>
        keyword is "CMD" or "ENTRYPOINT" or "HEALTHCHECK" or "ENV" or "EXPOSE" or "LABEL" or "ONBUILD" or "STOPSIGNAL" or "USER" or "VOLUME" or "WORKDIR";

    /// <summary>Applies one command. Others than those of configuration are the caller's.</summary>
    /// <param name="arguments">Build arguments whose names are no variables of the configuration.</param>
    /// <returns>What the history says of it.</returns>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public string Apply(DockerfileCommand command, IReadOnlyList<string> arguments)
    {
        IReadOnlyList<string> variables = [.. Config.Env ?? [], .. arguments];
        string Process(string word) => ShellWords.Process(word, variables, escape);
        switch (command)
        {
            case EnvCommand env:
                var values = env.Pairs.Select(p => (Name: Process(p.Name), Value: Process(p.Value))).ToList();   // all see the variables from before
                foreach (var (name, value) in values) SetVariable(name, value);
                return "ENV" + string.Concat(values.Select(v => $" {v.Name}={v.Value}"));
            case LabelCommand label:
                var pairs = label.Literal ? label.Pairs : [.. label.Pairs.Select(p => (Process(p.Name), Process(p.Value)))];
                var labels = Config.Labels ??= new(StringComparer.Ordinal);
                foreach (var (name, value) in pairs) labels[name] = value;
                return "LABEL" + string.Concat(pairs.Select(v => $" {v.Name}={v.Value}"));
            case MaintainerCommand maintainer:
                Author = maintainer.Name;
                return "MAINTAINER " + maintainer.Name;
            case CmdCommand cmd:
                Config.Cmd = Resolve(cmd.Line);
                if (cmd.Line.Words.Count > 0) commandIsSet = true;
                return "CMD " + GoText.QuoteList(Config.Cmd);
            case EntrypointCommand entrypoint:
                Config.Entrypoint = entrypoint.Line.Words.Count > 0 ? Resolve(entrypoint.Line) : null;
                if (!commandIsSet) Config.Cmd = null;   // the command of the image below was meant for another entry point
                return "ENTRYPOINT " + GoText.QuoteList(Config.Entrypoint);
            case ShellCommand shell:
                Config.Shell = [.. shell.Words];
                return "SHELL " + GoText.List(Config.Shell);
            case ExposeCommand expose:
                var words = expose.Ports.SelectMany(p => ShellWords.ProcessList(p, variables, escape)).ToList();
                var ports = Config.ExposedPorts ??= new(StringComparer.Ordinal);
                foreach (string port in words.SelectMany(ExposedPorts.Parse)) ports[port] = EmptyObject.Value;
                if (ports.Count == 0) Config.ExposedPorts = null;
                return "EXPOSE " + string.Join(' ', words);
            case VolumeCommand volume:
                var paths = volume.Paths.Select(Process).ToList();
                var volumes = Config.Volumes ??= new(StringComparer.Ordinal);
                foreach (string path in paths) volumes[path.Length > 0 ? path : throw EngineException.InvalidParameter("VOLUME specified can not be an empty string")] = EmptyObject.Value;
                return "VOLUME " + GoText.List(paths);
            case UserCommand user:
                Config.User = Process(user.User);
                return "USER " + Config.User;
            case WorkdirCommand workdir:
                string directory = Process(workdir.Path);
                if (directory.Length == 0) throw EngineException.InvalidParameter("cannot normalize nothing");
                Config.WorkingDir = JoinPath(Config.WorkingDir, directory);
                return "WORKDIR " + Config.WorkingDir;
            case StopSignalCommand stop:
                string signal = Process(stop.Signal);
                if (!StopSignals.IsValid(signal)) throw EngineException.InvalidParameter($"invalid signal: {signal}");
                Config.StopSignal = signal;
                return "STOPSIGNAL " + signal;
            case HealthcheckCommand { Health: var health }:
                Config.Healthcheck = health;
                return string.Create(CultureInfo.InvariantCulture,
                    $"HEALTHCHECK &{{{GoText.List(health.Test)} {GoText.DurationText(health.Interval)} {GoText.DurationText(health.Timeout)} {GoText.DurationText(health.StartPeriod)} {GoText.DurationText(health.StartInterval)} {health.Retries}}}");
            case OnbuildCommand onbuild:
                (Config.OnBuild ??= []).Add(onbuild.Trigger);
                return "ONBUILD " + onbuild.Trigger;
            default:
                throw new ArgumentException($"{command.GetType().Name} changes more than the configuration", nameof(command));
        }
    }

    /// <summary>A command line as the kernel gets it: in shell form behind the shell.</summary>
    public List<string> Resolve(CommandLine line) => line.IsJson ? [.. line.Words] : [.. Shell, .. line.Words];

    private void SetVariable(string name, string value)
    {
        var environment = Config.Env ??= [];
        int index = environment.FindIndex(e => e.StartsWith(name + "=", StringComparison.Ordinal) || e == name);
        if (index >= 0) environment[index] = $"{name}={value}";
        else environment.Add($"{name}={value}");
    }

    /// <summary>A relative directory goes on from the current one; the result is absolute and clean.</summary>
    public static string JoinPath(string current, string path)
    {
        var components = new List<string>();
        string whole = path.StartsWith('/') ? path : $"{current}/{path}";
        foreach (string component in whole.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (component == "..") components.RemoveRange(Math.Max(components.Count - 1, 0), Math.Min(components.Count, 1));
            else if (component != ".") components.Add(component);
        }
        return "/" + string.Join('/', components);
    }
}
