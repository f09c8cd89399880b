using System.Text;
using Gantry.Daemon.Images.Content;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Names a layer together with all that lie below it (OCI image spec, "Layer ChainID").</summary>
public static class ChainId
{
    /// <summary>The first layer's chain id is its diff id; each further one hashes <c>parent + " " + diff</c>.</summary>
    public static Digest Of(Digest? parent, Digest diff) => parent is { } below ? Digest.Of(Encoding.ASCII.GetBytes($"{below} {diff}")) : diff;

    /// <summary>The chain ids of a stack of layers, bottom first.</summary>
    public static IReadOnlyList<Digest> Of(IEnumerable<Digest> diffs)
    {
        var chains = new List<Digest>();
        foreach (var diff in diffs) chains.Add(Of(chains.Count > 0 ? chains[^1] : null, diff));
        return chains;
    }
}
