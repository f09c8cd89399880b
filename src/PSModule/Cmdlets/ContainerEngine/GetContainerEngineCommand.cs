using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what an engine says about itself and its host.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerEngine")]
[OutputType(typeof(EngineInfo))]
public sealed class GetContainerEngineCommand : EngineCmdlet
{
    /// <summary>Sessions of other engines than the default one.</summary>
    [Parameter(ValueFromPipeline = true)]
    public EngineSession[]? InputObject { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var session in InputObject ?? [await SessionForAsync(null, cancellation)])
        {
            await SubmitInOrderAsync(session, async token =>
            {
                var version = session.Client.ReadVersionAsync(token);
                var info = session.Client.ReadInfoAsync(token);
                await Task.WhenAll(version, info);
                WriteObject(new EngineInfo(await info, await version, session));
            }, cancellation);
        }
    }
}
