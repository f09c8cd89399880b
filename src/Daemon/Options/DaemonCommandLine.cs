using System.CommandLine;
using System.CommandLine.Help;

namespace Gantry.Daemon.Options;

/// <summary>What a command line of the daemon comes to: options to run with, or a text to print and an exit code.</summary>
internal sealed record DaemonInvocation(DaemonOptions? Options, string Text = "", bool IsError = false, int ExitCode = 0);

/// <summary>The daemon's flags. <see cref="FlagGrammar"/> brings them into one form, System.CommandLine holds their definitions and prints the usage.</summary>
internal sealed class DaemonCommandLine
{
    private static readonly FlagShape Daemon = new("--daemon", true), Version = new("--version", true), Help = new("--help", true), ConfigFile = new("--config-file", false);

    private readonly Command command = new("gantryd", "Gantry, a container engine: the daemon.") { TreatUnmatchedTokensAsErrors = true };
    private readonly Option<bool> daemon = new("--daemon", "-d") { Description = "Be the daemon (of use to gantry; gantryd always is)" };
    private readonly Option<bool> version = new("--version", "-v") { Description = "Print the version and exit" };
    private readonly Option<string> configFile = new("--config-file") { Description = $"Configuration file, {DaemonOptions.DefaultConfigFile} by default" };
    private readonly Dictionary<Setting, Option<string[]>> options = [];
    private readonly Dictionary<string, FlagShape> shapes = new(StringComparer.Ordinal)
    {
        ["-d"] = Daemon, ["--daemon"] = Daemon, ["-v"] = Version, ["--version"] = Version, ["--config-file"] = ConfigFile, ["-h"] = Help, ["-help"] = Help, ["--help"] = Help,
    };

    private DaemonCommandLine()
    {
        command.Options.Add(daemon);
        command.Options.Add(version);
        command.Options.Add(configFile);
        foreach (var setting in Settings.All)
        {
            var shape = new FlagShape(setting.Flag, setting.Kind == SettingKind.Switch);
            shapes.Add(setting.Flag, shape);
            foreach (string spelling in setting.Aliases) shapes.Add(spelling, shape);
        }
    }

    /// <summary>Defines a setting's option. Those that nobody asks for are left out: the usage text alone needs them all.</summary>
    private void Define(Setting setting)
    {
        if (options.ContainsKey(setting)) return;
        var option = new Option<string[]>(setting.Flag, [.. setting.Aliases])
        {
            Description = setting.Description,
            HelpName = setting.Kind == SettingKind.Switch ? "true|false" : setting.Kind == SettingKind.Number ? "number" : setting.Repeatable ? "value …" : "value",
        };
        options.Add(setting, option);
        command.Options.Add(option);
    }

    /// <summary>Whether a command line of <c>gantry</c> asks for the daemon: <c>-d</c> or <c>--daemon</c> among the flags before the first word.</summary>
    public static bool AsksForDaemon(IReadOnlyList<string> arguments)
    {
        // Looked at without the definitions: the client must start fast. A group of letters with a d in it is the daemon's, the client has no such flag.
        for (int i = 0; i < arguments.Count; i++)
        {
            string word = arguments[i];
            if (word.Length < 2 || word[0] != '-' || word == "--") return false;
            if (word is "--daemon" or "--daemon=true" || (word[1] != '-' && word.Split('=')[0].Contains('d'))) return true;
            if (word is "-H" or "--host" or "--tlscacert" or "--tlscert" or "--tlskey") i++;
        }
        return false;
    }

    /// <summary>Reads flags and configuration file.</summary>
    /// <param name="environment">Looks up an environment variable; <c>DOCKER_HOST</c> is not asked for (reference A9).</param>
    public static DaemonInvocation Read(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var line = new DaemonCommandLine();
        try
        {
            return line.ReadCore(arguments, environment);
        }
        catch (OptionsException e)
        {
            return new DaemonInvocation(null, e.Usage ? $"{e.Message}\n\n{Usage()}" : e.Message + "\n", IsError: true, e.Usage ? 2 : 1);
        }
    }

    private DaemonInvocation ReadCore(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var rest = FlagGrammar.Normalise(arguments, shapes.GetValueOrDefault, out var flags);
        if (flags.Any(f => f.Key == Help && f.Value == "true")) return new DaemonInvocation(null, Usage());
        foreach (var setting in Settings.All)
        {
            if (flags.Exists(f => f.Key.Name == setting.Flag)) Define(setting);
        }
        var words = flags.SelectMany(f => f.Value.Length > 0 ? (string[])[$"{f.Key.Name}={f.Value}"] : [f.Key.Name, ""]);   // nothing after "=" would count as missing
        var parsed = command.Parse([.. words], new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count > 0) throw new OptionsException(parsed.Errors[0].Message, usage: true);
        if (parsed.GetValue(version)) return new DaemonInvocation(null, BuildInfo.VersionLine + "\n");
        if (rest.Count > 0) return new DaemonInvocation(null, Usage());   // reference A24

        var given = new Dictionary<Setting, IReadOnlyList<string>>();
        foreach (var (setting, option) in options)
        {
            if (parsed.GetValue(option) is { Length: > 0 } values) given.Add(setting, values);
        }
        return new DaemonInvocation(DaemonOptionsReader.Read(given, parsed.GetValue(configFile), environment));
    }

    private static string Usage()
    {
        var line = new DaemonCommandLine();
        foreach (var setting in Settings.All) line.Define(setting);
        line.command.Options.Add(new HelpOption());
        var text = new StringWriter();
        line.command.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = text, Error = text });
        return text.ToString();
    }
}
