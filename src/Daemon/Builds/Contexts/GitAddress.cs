using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>A repository, what to check out of it, and the folder in it that is the context.</summary>
/// <param name="Remote">The repository's address.</param>
/// <param name="Reference">Branch, tag or commit.</param>
/// <param name="Folder">Empty for the whole.</param>
internal sealed partial record GitAddress(string Remote, string Reference, string Folder)
{
    /// <summary>Whether a remote context is a Git repository: <c>git://…</c>, <c>git@…</c>, <c>github.com/…</c>, or a URL that ends in <c>.git</c>.</summary>
    public static bool IsGit(string text) =>
        (RemoteFile.IsUrl(text) && DotGit().IsMatch(text)) || text.StartsWith("git://", StringComparison.Ordinal) || text.StartsWith("git@", StringComparison.Ordinal)
        || text.StartsWith("github.com/", StringComparison.Ordinal);

    /// <summary>Reads <c>address#reference:folder</c>.</summary>
    /// <exception cref="EngineException">400: a reference that git would take for an option.</exception>
    public static GitAddress Parse(string text)
    {
        if (text.StartsWith("github.com/", StringComparison.Ordinal)) text = "https://" + text;
        int hash = text.IndexOf('#', StringComparison.Ordinal);
        string remote = hash < 0 ? text : text[..hash], fragment = hash < 0 ? "" : text[(hash + 1)..];
        int colon = fragment.IndexOf(':', StringComparison.Ordinal);
        string reference = colon < 0 ? fragment : fragment[..colon], folder = colon < 0 ? "" : fragment[(colon + 1)..];
        if (reference.Length == 0) reference = "master";
        if (reference.StartsWith('-') || remote.StartsWith('-')) throw EngineException.InvalidParameter($"invalid refspec: {reference}");
        return new GitAddress(remote, reference, folder);
    }

    [GeneratedRegex(@"\.git(?:#.+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex DotGit();
}
