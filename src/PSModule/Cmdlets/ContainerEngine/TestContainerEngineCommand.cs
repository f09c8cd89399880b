using System.Diagnostics;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Says whether an engine answers.</summary>
[Cmdlet(VerbsDiagnostic.Test, "ContainerEngine")]
[OutputType(typeof(bool), typeof(EngineTestResult))]
public sealed class TestContainerEngineCommand : EngineCmdlet
{
    /// <summary>Engines: sessions or addresses. Default: the default session, or what it would be.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [Alias("Uri")]
    public object[]? InputObject { get; set; }

    /// <summary>Say how fast, and why not.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <summary>Most seconds to wait for the answer; 0 is no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; } = 10;

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (object? item in InputObject ?? (object?[])[Session])
        {
            object? engine = item is PSObject wrapped ? wrapped.BaseObject : item;
            var result = await TestAsync(engine, cancellation);
            WriteObject(Detailed ? result : result.Answers);
        }
    }

    private async Task<EngineTestResult> TestAsync(object? engine, CancellationToken cancellation)
    {
        string uri = engine as string ?? (engine as EngineSession)?.Uri ?? SessionTable.Current.Default?.Uri ?? SessionConnector.EnvironmentHost;
        EngineTestResult? result = null;
        try
        {
            await WithinAsync(TimeoutSec, "The engine's answer", async token =>
            {
                if (engine is string text)
                {
                    using var client = new EngineClient(new EngineDialer(EngineAddress.Parse(text), SessionConnector.EnvironmentTls(text)));
                    result = await PingAsync(client, token);
                }
                else
                {
                    result = await PingAsync(((engine as EngineSession) ?? await SessionForAsync(null, token)).Client, token);
                }
            }, cancellation);
            return result!;
        }
        catch (ContainerEngineException e)
        {
            return new EngineTestResult(uri, answers: false, null, null, e.Message);
        }
    }

    private static async Task<EngineTestResult> PingAsync(EngineClient client, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        var ping = await client.PingAsync(cancellation);
        return new EngineTestResult(client.Address.ToString(), answers: true, Stopwatch.GetElapsedTime(start), ping.ApiVersion, null);
    }
}
