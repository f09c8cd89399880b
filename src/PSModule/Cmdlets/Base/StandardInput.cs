using System.Management.Automation;
using System.Text;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Pipeline objects as bytes for a process: bytes as they are, everything else as a line of UTF-8 text.</summary>
internal static class StandardInput
{
    public static byte[] Encode(object? item)
    {
        object? value = item is PSObject wrapped ? wrapped.BaseObject : item;
        return value switch
        {
            byte[] bytes => bytes,
            byte single => [single],
            null => [(byte)'\n'],
            _ => Encoding.UTF8.GetBytes((LanguagePrimitives.ConvertTo<string>(item) ?? "") + "\n"),
        };
    }
}
