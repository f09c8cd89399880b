using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of cmdlets that do something to, or with, containers that exist.</summary>
public abstract class ContainerCmdlet : EngineCmdlet
{
    /// <summary>Containers: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Id", "Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ContainerReference[] Container { get; set; } = [];

    /// <summary>The change, as <c>-WhatIf</c> and <c>-Confirm</c> name it; null for a cmdlet that changes nothing.</summary>
    private protected virtual string? Change => null;

    /// <summary>Whether several containers are dealt with at the same time: for work that mostly waits.</summary>
    private protected virtual bool IsConcurrent => false;

    private protected abstract Task ActAsync(ContainerTarget target, CancellationToken cancellation);

    private protected virtual bool MayChange(ContainerTarget target) => Change is null || ShouldProcess(target.ToString(), Change);

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        await foreach (var target in ContainerResolver.ResolveAsync(this, Container, cancellation))
        {
            if (!MayChange(target)) continue;
            if (IsConcurrent) Submit(target.ToString(), token => ActAsync(target, token));
            else await SubmitInOrderAsync(target.ToString(), token => ActAsync(target, token), cancellation);
        }
    }
}

/// <summary>The base of cmdlets that change containers and say nothing, unless they are asked to hand them on.</summary>
public abstract class ContainerChangeCmdlet : ContainerCmdlet
{
    /// <summary>Give the containers back as they are afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected abstract Task ChangeAsync(ContainerTarget target, CancellationToken cancellation);

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await ChangeAsync(target, cancellation);
        if (!PassThru) return;
        if (await ContainerQuery.FindAsync(target.Session, target.Id, cancellation) is { } container) WriteObject(container);
        else WriteVerbose($"The container {target} was removed before it could be shown.");
    }
}

/// <summary>Reads one row of the container list.</summary>
internal static class ContainerQuery
{
    /// <param name="id">The full id.</param>
    /// <returns>Null when it is gone.</returns>
    public static async Task<Container?> FindAsync(EngineSession session, string id, CancellationToken cancellation)
    {
        await foreach (var row in session.Client.ListContainersAsync(new Client.Filters().Add("id", id), size: false, cancellation)) return Container.From(row, session);
        return null;
    }
}
