using System.Management.Automation;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Finds stored registries by what a person writes.</summary>
internal static class RegistryQuery
{
    public static IReadOnlyList<string> Select(IReadOnlyList<string> servers, string text)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(text)) return [.. servers.Where(s => s == RegistryName.Of(text))];
        var pattern = new WildcardPattern(text, WildcardOptions.IgnoreCase);
        return [.. servers.Where(pattern.IsMatch)];
    }

    public static ErrorRecord Missing(string text) => ErrorRecords.Missing("Registry", RegistryName.Of(text));
}
