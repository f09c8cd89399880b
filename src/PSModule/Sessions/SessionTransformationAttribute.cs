using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Sessions;

/// <summary>Lets <c>-Session</c> take a session's id or name besides the object.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class SessionTransformationAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value switch
        {
            string text => Find(s => string.Equals(s.Name, text, StringComparison.OrdinalIgnoreCase) || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && s.Id == id), text),
            int id => Find(s => s.Id == id, id.ToString(CultureInfo.InvariantCulture)),
            object[] items => items.Select(item => Transform(engineIntrinsics, item)).Cast<EngineSession>().ToArray(),
            _ => value,
        };
    }

    private static EngineSession Find(Predicate<EngineSession> match, string text) =>
        SessionTable.Current.Sessions.LastOrDefault(s => match(s))
        ?? throw new ArgumentTransformationMetadataException($"This runspace has no engine session '{text}'. Get-ContainerEngineSession lists them; Connect-ContainerEngine makes one.");
}
