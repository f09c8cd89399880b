using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Removes what builders keep to be faster the next time.</summary>
[Cmdlet(VerbsCommon.Clear, "ContainerBuildCache", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ContainerPruneResult))]
public sealed class ClearContainerBuildCacheCommand : EngineCmdlet
{
    /// <summary>Only what was made before this: a date, or how long ago (<c>24h</c>, <c>7d</c>, a TimeSpan).</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? OlderThan { get; set; }

    /// <summary>Keep the newest pieces, so many bytes in all: <c>10GB</c>.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? KeepStorage { get; set; }

    /// <summary>Pieces with these ids, or beginnings of them.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[]? Id { get; set; }

    /// <summary>Do not ask.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        foreach (var piece in Choose(await session.Client.ListBuildCacheAsync(cancellation)))
        {
            string name = piece.Description.Length > 0 ? piece.Description : piece.ID;
            if (!Approve($"build cache {ShortId(piece)}: {name}", "Remove", Force)) continue;
            await SubmitInOrderAsync(piece.ID, async token =>
            {
                long bytes = await session.Client.PruneBuildCacheAsync(new Filters().Add("id", piece.ID), all: true, token);
                WriteObject(new ContainerPruneResult(ContainerResourceType.BuildCache, name, piece.ID, bytes, session));
            }, cancellation);
        }
    }

    private static string ShortId(BuildCacheItem piece)
    {
        string digits = piece.ID[(piece.ID.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return digits.Length > 12 ? digits[..12] : digits;
    }

    private List<BuildCacheItem> Choose(IReadOnlyList<BuildCacheItem> cache)
    {
        var chosen = new List<BuildCacheItem>();
        long kept = 0;
        foreach (var piece in cache.Where(c => !c.InUse && IsWanted(c)).OrderByDescending(UsedAt))
        {
            if (KeepStorage is { } room && kept + piece.Size <= room) kept += piece.Size;
            else if (OlderThan is null || UsedAt(piece) < OlderThan) chosen.Add(piece);
        }
        return chosen;
    }

    private bool IsWanted(BuildCacheItem piece) => Id is null || Id.Any(id => piece.ID.StartsWith(id, StringComparison.OrdinalIgnoreCase) || piece.ID.StartsWith("sha256:" + id, StringComparison.OrdinalIgnoreCase));

    private static DateTimeOffset UsedAt(BuildCacheItem piece) => WireTime.Parse(piece.LastUsedAt) ?? WireTime.Parse(piece.CreatedAt) ?? DateTimeOffset.MinValue;
}
