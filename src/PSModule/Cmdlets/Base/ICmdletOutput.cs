using System.Management.Automation;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Where a cmdlet's results go: down its pipeline, or into a job's streams.</summary>
internal interface ICmdletOutput
{
    void WriteObject(object? value, bool enumerate);

    void WriteError(ErrorRecord error);

    void WriteWarning(string text);

    void WriteVerbose(string text);

    void WriteDebug(string text);

    void WriteProgress(ProgressRecord progress);

    void WriteInformation(object message, string[] tags);
}
