using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the processes that run in containers.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerProcess")]
[OutputType(typeof(ContainerProcess))]
public sealed class GetContainerProcessCommand : ContainerCmdlet
{
    private static readonly string[] Always = ["pid", "ppid", "user"];

    /// <summary>Further columns by the names of <c>ps -o</c>: <c>rss</c>, <c>etime</c>, <c>nlwp</c>, <c>stat</c>. They are in Columns, and properties of their own.</summary>
    [Parameter]
    [ValidatePattern("^[a-z_%]+$")]
    [ArgumentCompleter(typeof(Completion.ProcessColumnCompleter))]
    public string[]? Property { get; set; }

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        // The command line comes last: it is the only column with spaces in it.
        string? arguments = Property is null ? null : "-eo " + string.Join(',', Always.Concat(Property).Distinct(StringComparer.Ordinal).Append("args"));
        var table = await target.Client.TopContainerAsync(target.Id, arguments, cancellation);
        foreach (var row in table.Processes)
        {
            var process = new ContainerProcess(target.Name, target.Id, table.Titles, row);
            var result = PSObject.AsPSObject(process);
            for (int i = Always.Length; Property is not null && i < table.Titles.Count - 1; i++)
            {
                if (result.Properties[table.Titles[i]] is null) result.Properties.Add(new PSNoteProperty(table.Titles[i], row[i]));
            }
            WriteObject(result);
        }
    }
}
