using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>How a further process is started in a container: what the two cmdlets that do it have in common.</summary>
public interface IExecParameters
{
    /// <summary>Further environment variables: a hashtable, or texts such as <c>A=1</c>.</summary>
    IDictionary? Environment { get; }

    /// <summary>User and group of the process, by name or number: <c>1000:100</c>. Default: the container's.</summary>
    string? User { get; }

    /// <summary>Where the process starts. Default: the container's.</summary>
    string? WorkingDirectory { get; }

    /// <summary>All capabilities and devices.</summary>
    SwitchParameter Privileged { get; }
}

/// <summary>A process in a container, beside the container's own: made, started, its end read.</summary>
internal static class ExecRun
{
    private const int ExitCodeTries = 50;
    private static readonly TimeSpan ExitCodePause = TimeSpan.FromMilliseconds(20);

    public static ExecCreateRequest Request(IExecParameters parameters, IEnumerable<string> command, bool input, bool output, bool terminal) => new()
    {
        Cmd = [.. command],
        Env = Pairs.ToList(parameters.Environment),
        User = parameters.User ?? "",
        WorkingDir = parameters.WorkingDirectory ?? "",
        Privileged = parameters.Privileged,
        AttachStdin = input,
        AttachStdout = output,
        AttachStderr = output,
        Tty = terminal,
    };

    public static async Task<ContainerExec> InspectAsync(ContainerTarget target, string id, CancellationToken cancellation) =>
        new(await target.Client.InspectExecAsync(id, cancellation), target.Name, target.Session);

    /// <summary>The state after the end of its output. An engine closes the streams a moment before it knows the exit code; that moment is waited for, not more.</summary>
    public static async Task<ContainerExec> EndedAsync(ContainerTarget target, string id, CancellationToken cancellation)
    {
        var exec = await InspectAsync(target, id, cancellation);
        for (int i = 0; i < ExitCodeTries && exec.ExitCode is null; i++)
        {
            await Task.Delay(ExitCodePause, cancellation);
            exec = await InspectAsync(target, id, cancellation);
        }
        return exec;
    }
}
