using System.Globalization;
using System.Text.Json;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

internal sealed partial class RuntimeVerbs
{
    /// <summary>Runs another process in a container. Detached, it becomes the caller's; otherwise its exit code is this program's.</summary>
    public int Exec()
    {
        arguments.AllowOnly("process", "detach", "tty", "console-socket", "pid-file", "cwd", "env", "user", "additional-gids", "cap", "no-new-privs", "preserve-fds", "ignore-paused", "apparmor", "process-label");
        foreach (string unsupported in (string[])["apparmor", "process-label"])
        {
            if (arguments.Value(unsupported) is { Length: > 0 }) throw new RuntimeException($"exec --{unsupported} is not supported");
        }
        if (arguments.Number("preserve-fds") > 0) throw new RuntimeException("exec --preserve-fds is not supported");
        var state = store.Read(arguments.Id);
        string status = store.StatusOf(state);
        if (status == "stopped") throw new RuntimeException("cannot exec in a stopped container");
        if (status == "paused" && !arguments.Has("ignore-paused")) throw new RuntimeException("cannot exec in a paused container");
        var spec = Bundle.Read(state.Bundle).Spec;
        var process = ReadProcess(spec.Process!);
        using var console = OpenConsole(process.Terminal);
        var request = new ExecRequest { Container = state.Id, Process = process, Seccomp = spec.Linux.Seccomp };
        using var started = NativeProcess.Exec(Container(state), request, new ChildStdio(null, null, null, console));
        if (arguments.Value("pid-file") is { } pidFile) WritePid(pidFile, started.Pid);
        if (arguments.Has("detach")) return 0;
        using var forwarded = SignalForwarding.To(started);
        return started.Wait()!.Value.Code;
    }

    private Fd? OpenConsole(bool terminal)
    {
        string? socket = arguments.Value("console-socket");
        if (!terminal) return socket is null ? null : throw new RuntimeException("cannot use console socket if the process has no terminal");
        return ConsoleClient.Connect(socket ?? throw new RuntimeException($"cannot allocate tty if {RuntimeRole.Name} will detach without setting console socket"));
    }

    /// <summary>The process from a file, or the container's own with what the command line says instead.</summary>
    private ProcessSpec ReadProcess(ProcessSpec own)
    {
        if (arguments.Value("process") is { } file)
        {
            var process = JsonSerializer.Deserialize(File.ReadAllBytes(file), RuntimeJson.Default.ProcessSpec);
            return process is { Args.Count: > 0 } ? process : throw new RuntimeException($"{file}: process.args must have a command");
        }
        if (arguments.Operands.Count < 2) throw new RuntimeException("process args cannot be empty");
        var capabilities = own.Capabilities;
        if (arguments.Values("cap") is { Count: > 0 } added)
        {
            List<string> With(List<string>? names) => [.. (names ?? []).Union(added, StringComparer.Ordinal)];
            capabilities = new CapabilitiesSpec { Bounding = With(own.Capabilities?.Bounding), Effective = With(own.Capabilities?.Effective), Permitted = With(own.Capabilities?.Permitted), Inheritable = own.Capabilities?.Inheritable, Ambient = own.Capabilities?.Ambient };
        }
        return own with
        {
            Args = [.. arguments.Operands.Skip(1)],
            Env = [.. own.Env, .. arguments.Values("env")],
            Cwd = arguments.Value("cwd") ?? own.Cwd,
            Terminal = arguments.Has("tty"),
            User = User(own.User),
            Capabilities = capabilities,
            NoNewPrivileges = own.NoNewPrivileges || arguments.Has("no-new-privs"),
        };
    }

    private UserSpec User(UserSpec own)
    {
        if (arguments.Value("user") is not { } text) return own;
        string[] ids = text.Split(':');
        if (ids.Length > 2 || !ids.All(id => uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _))) throw new RuntimeException($"parsing {text} as uid[:gid] failed");
        uint[] numbers = [.. ids.Select(id => uint.Parse(id, CultureInfo.InvariantCulture))];
        return new UserSpec { Uid = numbers[0], Gid = numbers.Length > 1 ? numbers[1] : own.Gid, AdditionalGids = [.. arguments.Values("additional-gids").Select(g => uint.Parse(g, CultureInfo.InvariantCulture))], Umask = own.Umask };
    }
}
