using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

/// <summary>The hooks of a bundle that may have gone since the container was made.</summary>
internal static class BundleHooks
{
    public static HooksSpec? Of(string path)
    {
        try
        {
            return Bundle.Read(path).Spec.Hooks;
        }
        catch (RuntimeException)
        {
            return null;
        }
    }
}
