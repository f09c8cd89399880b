using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Where the lines go that a container writes to its standard error.</summary>
public enum StandardErrorTarget
{
    /// <summary>The error stream. Under <c>-ErrorAction Stop</c> the information stream: text on standard error is no failure, as with native programs.</summary>
    Error,

    /// <summary>The output, among the lines of standard output.</summary>
    Output,

    /// <summary>The information stream and the screen, tagged <c>stderr</c>.</summary>
    Information,

    /// <summary>Nowhere.</summary>
    Discard,
}

/// <summary>Container output as PowerShell's streams.</summary>
public abstract partial class AsyncCmdlet
{
    private bool? stopsOnErrors;

    /// <summary>Standard output becomes text on the output; standard error goes where it is wanted.</summary>
    /// <param name="source">The container, as the error's target.</param>
    internal void WriteOutputLine(OutputLine line, StandardErrorTarget target, object source)
    {
        if (line.Stream == StreamKind.Stdout || (line.Stream == StreamKind.Stderr && target == StandardErrorTarget.Output)) WriteObject(line.Text);
        else if (line.Stream == StreamKind.SystemError) WriteError(new ErrorRecord(new RuntimeException(line.Text), "ContainerStreamFailed", ErrorCategory.ReadError, source));
        else if (target == StandardErrorTarget.Error && !(stopsOnErrors ??= StopsOnErrors())) WriteError(new ErrorRecord(new RuntimeException(line.Text), "ContainerStandardError", ErrorCategory.FromStdErr, source));
        else if (target != StandardErrorTarget.Discard) WriteInformation(new HostInformationMessage { Message = line.Text }, ["PSHOST", "stderr"]);
    }

    private bool StopsOnErrors()
    {
        if (redirected is not null) return false;   // a job only collects errors
        object? preference = MyInvocation.BoundParameters.TryGetValue("ErrorAction", out object? given) ? given : GetVariableValue("ErrorActionPreference");
        return LanguagePrimitives.TryConvertTo(preference, out ActionPreference action) && action == ActionPreference.Stop;
    }

    /// <summary>Makes an exit code known as native programs do (<c>$LASTEXITCODE</c>), and in a variable of the caller's choice; reports one that is not 0 unless told not to.</summary>
    internal void PublishExitCode(string name, int exitCode, string? variable, bool ignore, object? target)
    {
        if (redirected is null)
        {
            SessionState.PSVariable.Set("global:LASTEXITCODE", exitCode);
            if (!string.IsNullOrEmpty(variable)) SessionState.PSVariable.Set(variable, exitCode);
        }
        if (exitCode == 0 || ignore) return;
        WriteError(ErrorRecords.Create(
            new RuntimeException($"{name} ended with exit code {exitCode}."), "NonZeroExitCode", ErrorCategory.InvalidResult, target, "Look at its output, or give -IgnoreExitCode where other codes are expected."));
    }
}
