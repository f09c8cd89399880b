using System.Collections;

namespace Gantry.PowerShell.Completion;

/// <summary>The base of completers whose words are always the same.</summary>
public abstract class WordCompleter : EngineCompleter
{
    private protected abstract IEnumerable<Suggestion> Words { get; }

    private protected sealed override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) => Words;
}

/// <summary>Signals that are sent to containers.</summary>
public sealed class SignalCompleter : WordCompleter
{
    private protected override IEnumerable<Suggestion> Words { get; } =
    [
        new("SIGTERM", "15: asks to end"), new("SIGKILL", "9: ends at once"), new("SIGINT", "2: as Ctrl-C"), new("SIGQUIT", "3: ends with a core dump"),
        new("SIGHUP", "1: often reads its configuration again"), new("SIGUSR1", "10: the program's own"), new("SIGUSR2", "12: the program's own"),
        new("SIGSTOP", "19: stops, without asking"), new("SIGCONT", "18: goes on"), new("SIGWINCH", "28: the window has changed"), new("SIGPIPE", "13"), new("SIGALRM", "14"),
        new("SIGABRT", "6"), new("SIGCHLD", "17"), new("SIGTSTP", "20: as Ctrl-Z"),
    ];
}

/// <summary>Restart policies.</summary>
public sealed class RestartPolicyCompleter : WordCompleter
{
    private protected override IEnumerable<Suggestion> Words { get; } =
    [
        new("no", "Never"), new("always", "Whenever it ends, and when the engine starts"), new("unless-stopped", "Like always, except after it was stopped by hand"),
        new("on-failure", "When its exit code is not 0"), new("on-failure:3", "When its exit code is not 0, at most 3 times"),
    ];
}

/// <summary>Linux capabilities, without CAP_.</summary>
public sealed class CapabilityCompleter : WordCompleter
{
    private static readonly string[] Names =
    [
        "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK",
        "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID",
        "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "WAKE_ALARM",
    ];

    private protected override IEnumerable<Suggestion> Words => Names.Select(n => new Suggestion(n, "CAP_" + n));
}

/// <summary>What happens to containers and images.</summary>
public sealed class EventActionCompleter : WordCompleter
{
    private static readonly string[] Names =
    [
        "attach", "commit", "connect", "copy", "create", "delete", "destroy", "detach", "die", "disconnect", "exec_create", "exec_detach", "exec_die", "exec_start", "export", "health_status",
        "import", "kill", "load", "mount", "oom", "pause", "prune", "pull", "push", "reload", "rename", "resize", "restart", "save", "start", "stop", "tag", "top", "unmount", "unpause", "untag",
        "update",
    ];

    private protected override IEnumerable<Suggestion> Words => Names.Select(n => new Suggestion(n, ""));
}

/// <summary>Columns of <c>ps -o</c>.</summary>
public sealed class ProcessColumnCompleter : WordCompleter
{
    private protected override IEnumerable<Suggestion> Words { get; } =
    [
        new("%cpu", "Share of a CPU"), new("%mem", "Share of the memory"), new("etime", "Since its start"), new("group", "Group"), new("lstart", "Start"), new("ni", "Nice value"),
        new("nlwp", "Threads"), new("rss", "Memory in KiB"), new("stat", "State"), new("time", "CPU time"), new("tty", "Terminal"), new("vsz", "Address space in KiB"), new("wchan", "What it waits for"),
    ];
}
