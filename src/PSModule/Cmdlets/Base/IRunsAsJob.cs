using System.Management.Automation;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A cmdlet whose work can last, and can go on as a job.</summary>
public interface IRunsAsJob
{
    /// <summary>Return at once with a job that does the work.</summary>
    SwitchParameter AsJob { get; }
}
