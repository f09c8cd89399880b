using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.References;

/// <summary>One container that a cmdlet works on, found.</summary>
/// <param name="Id">The full id.</param>
/// <param name="Name">Without a slash.</param>
internal sealed record ContainerTarget(string Id, string Name, EngineSession Session)
{
    public EngineClient Client => Session.Client;

    public override string ToString() => Name.Length > 0 ? Name : Id[..12];
}
