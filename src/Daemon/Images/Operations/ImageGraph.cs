using System.Text;

namespace Gantry.Daemon.Images.Operations;

/// <summary>The images as a drawing for graphviz (v1.2.0's <c>viz</c>, reference 2.4): an edge from each image to those made from it.</summary>
internal static class ImageGraph
{
    public static string Draw(ImageSnapshot snapshot)
    {
        var text = new StringBuilder("digraph docker {\n");
        foreach (var image in snapshot.Images.OrderBy(i => i.Id, StringComparer.Ordinal))
        {
            var parent = image.Parent is { } id ? snapshot.ById(id) : null;
            text.Append(parent is null ? $" base -> \"{image.ShortId}\" [style=invis]\n" : $" \"{parent.ShortId}\" -> \"{image.ShortId}\"\n");
            var tags = image.Tags.Select(t => t.Familiar).ToList();
            if (tags.Count > 0)
                text.Append($" \"{image.ShortId}\" [label=\"{image.ShortId}\\n{string.Join("\\n", tags)}\",shape=box,fillcolor=\"paleturquoise\",style=\"filled,rounded\"];\n");
        }
        return text.Append(" base [style=invisible]\n}\n").ToString();
    }
}
