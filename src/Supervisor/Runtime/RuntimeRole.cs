using System.Reflection;
using System.Text.Json;
using Gantry.Linux.Kernel;
using Gantry.Supervisor.Drivers;

namespace Gantry.Supervisor.Runtime;

/// <summary>The native driver as an OCI runtime with the command line of runc: what podman, containerd and dockerd drive. Nothing but the container's own first process stays after a call.</summary>
public static class RuntimeRole
{
    public const string Name = "gantry-runtime";

    public static int Run(string[] words)
    {
        RuntimeArguments arguments;
        try
        {
            arguments = RuntimeArguments.Parse(words);
        }
        catch (RuntimeException e)
        {
            Console.Error.WriteLine($"{Name}: {e.Message}");
            return 1;
        }
        try
        {
            return Run(arguments, words);
        }
        catch (Exception e) when (e is RuntimeException or DriverException or KernelException or IOException or UnauthorizedAccessException or ArgumentException or JsonException)
        {
            Tell(arguments, Sentence(arguments.Verb, e));
            return 1;
        }
    }

    private static int Run(RuntimeArguments arguments, string[] words)
    {
        if (arguments.Has("version")) return Version();
        if (arguments.Has("help") || arguments.Verb is "" or "help") return Help(arguments.Verb.Length == 0 && !arguments.Has("help"));
        RuntimeVerbs Verbs() => new(arguments);   // a process that only becomes another makes none
        return arguments.Verb switch
        {
            "create" => SealedProgram.Run(words, () => Verbs().Create()),
            "run" => SealedProgram.Run(words, () => Verbs().Run()),
            "exec" => SealedProgram.Run(words, () => Verbs().Exec()),
            "start" => Verbs().Start(),
            "state" => Verbs().State(),
            "kill" => Verbs().Kill(),
            "delete" => Verbs().Delete(),
            "pause" => Verbs().Pause(),
            "resume" => Verbs().Resume(),
            "update" => Verbs().Update(),
            "ps" => Verbs().Ps(),
            "list" => Verbs().List(),
            "features" => Verbs().Features(),
            "spec" => Verbs().Spec(),
            "checkpoint" or "restore" or "events" => throw new RuntimeException($"{arguments.Verb} is not supported"),
            var other => throw new RuntimeException($"unknown command {other}; {Name} --help lists them"),
        };
    }

    /// <summary>The beginning that callers look for is runc's.</summary>
    private static string Sentence(string verb, Exception error) => (verb, error) switch
    {
        ("create" or "run", DriverException { Failure.Step: not null }) or ("create" or "run", KernelException) => $"{Name} {verb} failed: unable to start container process: error during container init: {error.Message}",
        ("create" or "run", DriverException) => $"{Name} {verb} failed: {error.Message}",
        ("exec", DriverException or KernelException) => $"exec failed: unable to start container process: {error.Message}",
        _ => error.Message,
    };

    /// <summary>To standard error, and to the log that the caller reads.</summary>
    private static void Tell(RuntimeArguments arguments, string message)
    {
        string time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        Console.Error.WriteLine($"{Name}: {message}");
        if (arguments.Value("log") is not { Length: > 0 } log) return;
        string line = arguments.Value("log-format") == "json"
            ? JsonSerializer.Serialize(new LogLine { Message = message, Time = time }, RuntimeLogJson.Default.LogLine)
            : $"time=\"{time}\" level=error msg={JsonSerializer.Serialize(message, RuntimeLogJson.Default.String)}";
        try
        {
            File.AppendAllText(log, line + "\n");
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"{Name}: {log}: {e.Message}");
        }
    }

    private static int Version()
    {
        string[] build = (typeof(RuntimeRole).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+');
        Console.Out.WriteLine($"{Name} version {build[0]}");
        if (build.Length > 1) Console.Out.WriteLine($"commit: {build[1]}");
        Console.Out.WriteLine("spec: 1.2.0");
        return 0;
    }

    private static int Help(bool missing)
    {
        (missing ? Console.Error : Console.Out).WriteLine($"""
            usage: {Name} [--root DIR] [--log FILE] [--log-format text|json] [--debug] COMMAND [options] CONTAINER
              create  --bundle DIR [--console-socket SOCKET] [--pid-file FILE] [--preserve-fds N] ID
              start ID · state ID · kill [--all] ID [SIGNAL] · delete [--force] ID
              run     as create, with [--detach] [--keep]
              exec    [--process FILE] [--detach] [--tty] [--console-socket SOCKET] [--pid-file FILE] [--user UID[:GID]] [--env K=V] [--cwd DIR] [--cap CAP] ID [COMMAND …]
              pause ID · resume ID · update --resources FILE|- ID · ps [--format json] ID [ps options] · list [--format json] [--quiet] · features · spec [--bundle DIR]
            """);
        return missing ? 1 : 0;
    }
}
