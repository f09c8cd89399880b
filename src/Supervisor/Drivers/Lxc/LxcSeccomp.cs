using System.Globalization;
using System.Text;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>Puts a seccomp object of the runtime spec into LXC's own language, version 2 (lxc.container.conf(5), "SECCOMP CONFIGURATION"). A pure function.</summary>
internal static class LxcSeccomp
{
    private const uint NotPermitted = 1;

    /// <exception cref="DriverException">An action that LXC does not know.</exception>
    public static string Translate(SeccompSpec spec)
    {
        string otherwise = Action(spec.DefaultAction, spec.DefaultErrnoRet);
        var text = new StringBuilder("2\n");
        text.Append(otherwise == "allow" ? "denylist allow\n" : $"allowlist {otherwise}\n").Append("[all]\n");
        foreach (var rule in spec.Syscalls ?? [])
        {
            string action = Action(rule.Action, rule.ErrnoRet);
            if (action == otherwise) continue;   // libseccomp refuses a rule that says nothing new
            string arguments = string.Concat((rule.Args ?? []).Select(Argument));
            foreach (string name in rule.Names) text.Append(CultureInfo.InvariantCulture, $"{name} {action}{arguments}\n");
        }
        return text.ToString();
    }

    private static string Action(string action, uint? errno) => action switch
    {
        "SCMP_ACT_ALLOW" or "SCMP_ACT_LOG" => "allow",
        "SCMP_ACT_ERRNO" => string.Create(CultureInfo.InvariantCulture, $"errno {errno ?? NotPermitted}"),
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" or "SCMP_ACT_KILL_PROCESS" => "kill",
        "SCMP_ACT_TRAP" => "trap",
        _ => throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = $"the lxc driver cannot give a container the seccomp action {action}; use the native driver or an OCI runtime" }),
    };

    /// <summary>The masked comparison has its operands the other way round: value, then mask.</summary>
    private static string Argument(SeccompArgumentSpec argument) => argument.Op == "SCMP_CMP_MASKED_EQ"
        ? string.Create(CultureInfo.InvariantCulture, $" [{argument.Index},{argument.ValueTwo},{argument.Op},{argument.Value}]")
        : string.Create(CultureInfo.InvariantCulture, $" [{argument.Index},{argument.Value},{argument.Op}]");
}
