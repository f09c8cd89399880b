using System.Management.Automation;
using System.Text;
using System.Xml;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.References;
using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Turns the lines of a <see cref="RemoteScript"/> into objects and records.</summary>
internal sealed class RemoteScriptReader(AsyncCmdlet cmdlet, ContainerTarget target, StandardErrorTarget standardError)
{
    public void Read(OutputLine line)
    {
        if (line.Stream != StreamKind.Stdout || !line.Text.StartsWith(RemoteScript.Mark, StringComparison.Ordinal) || line.Text.Length <= RemoteScript.Mark.Length)
        {
            cmdlet.WriteOutputLine(line, standardError, target.ToString());
            return;
        }
        object? value;
        try
        {
            value = PSSerializer.Deserialize(Encoding.UTF8.GetString(Convert.FromBase64String(line.Text[(RemoteScript.Mark.Length + 1)..])));
        }
        catch (Exception e) when (e is FormatException or XmlException)
        {
            cmdlet.WriteError(new ErrorRecord(e, "InvalidScriptResult", ErrorCategory.InvalidData, target.ToString()));
            return;
        }
        Write(line.Text[RemoteScript.Mark.Length], value);
    }

    private void Write(char kind, object? value)
    {
        switch (kind)
        {
            case 'O':
                var result = PSObject.AsPSObject(value ?? "");
                if (result.BaseObject is not (string or ValueType)) result.Properties.Add(new PSNoteProperty("PSContainerName", target.Name));
                cmdlet.WriteObject(value is null ? null : result);
                break;
            case 'E':
                cmdlet.WriteError(ToError(value));
                break;
            case 'W':
                cmdlet.WriteWarning($"{value}");
                break;
            case 'V':
                cmdlet.WriteVerbose($"{value}");
                break;
            case 'D':
                cmdlet.WriteDebug($"{value}");
                break;
            default:
                cmdlet.WriteInformation(new HostInformationMessage { Message = $"{value}" }, ["PSHOST"]);
                break;
        }
    }

    /// <summary>From its text, its id and the number of its category.</summary>
    private ErrorRecord ToError(object? value)
    {
        var parts = LanguagePrimitives.ConvertTo<object[]>(value);
        string Part(int i) => parts.Length > i ? LanguagePrimitives.ConvertTo<string>(parts[i]) : "";
        return new ErrorRecord(
            new RuntimeException(Part(0)),
            Part(1) is { Length: > 0 } id ? id : "ContainerScriptError",
            LanguagePrimitives.TryConvertTo(Part(2), out int category) ? (ErrorCategory)category : ErrorCategory.NotSpecified,
            target.ToString());
    }
}
