using System.Management.Automation;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writing: to the pipeline, or to the job that took the work over.</summary>
public abstract partial class AsyncCmdlet
{
    private ICmdletOutput? redirected;

    /// <summary>From now on everything that is written goes there.</summary>
    private protected void RedirectOutput(ICmdletOutput output) => redirected = output;

    public new void WriteObject(object? value) => WriteObject(value, enumerateCollection: false);

    public new void WriteObject(object? value, bool enumerateCollection)
    {
        if (redirected is null) base.WriteObject(value, enumerateCollection);
        else redirected.WriteObject(value, enumerateCollection);
    }

    public new void WriteError(ErrorRecord errorRecord)
    {
        if (redirected is null) base.WriteError(errorRecord);
        else redirected.WriteError(errorRecord);
    }

    public new void WriteWarning(string text)
    {
        if (redirected is null) base.WriteWarning(text);
        else redirected.WriteWarning(text);
    }

    public new void WriteVerbose(string text)
    {
        if (redirected is null) base.WriteVerbose(text);
        else redirected.WriteVerbose(text);
    }

    public new void WriteDebug(string text)
    {
        if (redirected is null) base.WriteDebug(text);
        else redirected.WriteDebug(text);
    }

    public new void WriteProgress(ProgressRecord progressRecord)
    {
        if (redirected is null) base.WriteProgress(progressRecord);
        else redirected.WriteProgress(progressRecord);
    }

    public new void WriteInformation(object messageData, string[] tags)
    {
        if (redirected is null) base.WriteInformation(messageData, tags);
        else redirected.WriteInformation(messageData, tags);
    }
}
