using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A script block as a command line for the <c>pwsh</c> of a container.</summary>
/// <remarks>
/// The script's results come back one a line: a letter for the stream, and the object as base64 of its CLIXML. So they arrive as they are made, and nothing that the
/// script's programs write to standard output by themselves can be taken for an object.
/// </remarks>
internal static class RemoteScript
{
    /// <summary>What every line of a result begins with; anything else is a line of text.</summary>
    public const string Mark = "\u0001gantry:";

    private const int Depth = 4;

    /// <param name="variable">Reads a variable of the caller, for <c>$using:</c>.</param>
    public static IReadOnlyList<string> CommandLine(ScriptBlock script, object[] arguments, Func<string, object?> variable)
    {
        var (text, values) = ReplaceUsing(script, variable);
        string wrapper = $$"""
            $ProgressPreference = 'SilentlyContinue'
            function read-it($x) { [System.Management.Automation.PSSerializer]::Deserialize([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($x))) }
            function write-it($kind, $x) { [Console]::Out.WriteLine("`u{1}gantry:" + $kind + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([System.Management.Automation.PSSerializer]::Serialize($x, {{Depth}})))) }
            $__gantry_using = read-it '{{Encode(values)}}'
            $__gantry_arguments = @(read-it '{{Encode(arguments)}}')
            $__gantry_script = [scriptblock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}}')))
            $__gantry_code = 0
            try {
                $input | & $__gantry_script @__gantry_arguments *>&1 | ForEach-Object {
                    if ($_ -is [System.Management.Automation.ErrorRecord]) { write-it E @($_.ToString(), $_.FullyQualifiedErrorId, [int]$_.CategoryInfo.Category) }
                    elseif ($_ -is [System.Management.Automation.WarningRecord]) { write-it W $_.Message }
                    elseif ($_ -is [System.Management.Automation.VerboseRecord]) { write-it V $_.Message }
                    elseif ($_ -is [System.Management.Automation.DebugRecord]) { write-it D $_.Message }
                    elseif ($_ -is [System.Management.Automation.InformationRecord]) { write-it I $_.MessageData.ToString() }
                    else { write-it O $_ }
                }
            }
            catch {
                write-it E @($_.ToString(), $_.FullyQualifiedErrorId, [int]$_.CategoryInfo.Category)
                $__gantry_code = 1
            }
            exit $__gantry_code
            """;
        return ["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", Convert.ToBase64String(Encoding.Unicode.GetBytes(wrapper))];
    }

    private static string Encode(object value) => Convert.ToBase64String(Encoding.UTF8.GetBytes(PSSerializer.Serialize(value, Depth)));

    /// <summary>Puts <c>$__gantry_using.name</c> in the place of <c>$using:name</c>, and collects the values.</summary>
    private static (string Text, Dictionary<string, object?> Values) ReplaceUsing(ScriptBlock script, Func<string, object?> variable)
    {
        var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        var text = new StringBuilder(script.ToString());
        int offset = script.Ast.Extent.StartOffset + script.Ast.Extent.Text.IndexOf(script.ToString(), StringComparison.Ordinal);
        foreach (var use in script.Ast.FindAll(a => a is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>().OrderByDescending(u => u.Extent.StartOffset))
        {
            string name = UsingExpressionAst.ExtractUsingVariable(use).VariablePath.UserPath;
            values[name] = variable(name);
            var extent = UsingExpressionAst.ExtractUsingVariable(use).Extent;
            text.Remove(extent.StartOffset - offset, extent.Text.Length).Insert(extent.StartOffset - offset, "$__gantry_using." + name);
        }
        return (text.ToString(), values);
    }
}
