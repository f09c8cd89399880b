using System.Management.Automation;

namespace Gantry.PowerShell.Sessions;

/// <summary>Closes the sessions when the module is removed.</summary>
public sealed class ModuleUnload : IModuleAssemblyCleanup
{
    public void OnRemove(PSModuleInfo psModuleInfo) => SessionTable.DisconnectAll();
}
