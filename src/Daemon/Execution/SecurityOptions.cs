using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Execution;

/// <summary>The meaning of <c>--security-opt</c> and what follows from <c>--privileged</c>.</summary>
/// <param name="Seccomp">null: the engine's default profile; <c>unconfined</c>; otherwise a profile as JSON text.</param>
/// <param name="AppArmor">A profile's name, or null.</param>
/// <param name="SystemPathsUnconfined">No masked or read-only paths.</param>
/// <param name="WritableCgroups">The container may make groups of its own below <c>/sys/fs/cgroup</c>; null leaves it to <c>--privileged</c>.</param>
internal sealed record SecurityOptions(bool NoNewPrivileges, string? Seccomp, string? AppArmor, IReadOnlyList<string> SelinuxLabels, bool SystemPathsUnconfined, bool? WritableCgroups)
{
    public const string Unconfined = "unconfined";

    /// <exception cref="EngineException">400 for an option that is not known or not well formed.</exception>
    public static SecurityOptions Parse(HostConfig host)
    {
        bool noNewPrivileges = false, systemPaths = false;
        bool? writableCgroups = null;
        string? seccomp = host.Privileged ? Unconfined : null, appArmor = null;
        var labels = new List<string>();
        foreach (string option in host.SecurityOpt ?? [])
        {
            if (option == "no-new-privileges")
            {
                noNewPrivileges = true;
                continue;
            }
            if (option == "disable")
            {
                labels.Add(option);
                continue;
            }
            int separator = option.IndexOf('=', StringComparison.Ordinal);
            if (separator < 0) separator = option.IndexOf(':', StringComparison.Ordinal);   // the form before 1.11
            if (separator < 0) throw EngineException.InvalidParameter($"invalid --security-opt 1: \"{option}\"");
            string key = option[..separator], value = option[(separator + 1)..];
            switch (key)
            {
                case "label":
                    labels.Add(value);
                    break;
                case "apparmor":
                    appArmor = value;
                    break;
                case "seccomp":
                    if (value.Length > 0) seccomp = value;
                    break;
                case "no-new-privileges":
                    noNewPrivileges = bool.TryParse(value, out bool on) ? on : throw EngineException.InvalidParameter($"invalid --security-opt 2: \"{option}\"");
                    break;
                case "systempaths":
                    systemPaths = value == Unconfined ? true : throw EngineException.InvalidParameter($"invalid --security-opt 2: \"{option}\"");
                    break;
                case "writable-cgroups":
                    writableCgroups = bool.TryParse(value, out bool writable) ? writable : throw EngineException.InvalidParameter($"invalid --security-opt 2: \"{option}\"");
                    break;
                default:
                    throw EngineException.InvalidParameter($"invalid --security-opt 2: \"{option}\"");
            }
        }
        return new SecurityOptions(noNewPrivileges, seccomp, appArmor, labels, systemPaths, writableCgroups);
    }
}
