using Gantry.PowerShell.Objects;
using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Which files of a folder are sent to a builder, and which of them is the Dockerfile.</summary>
internal sealed class BuildContextFiles
{
    private const string Ignore = ".dockerignore";

    private readonly DirectoryInfo folder;
    private readonly IgnorePatterns ignored;

    private BuildContextFiles(DirectoryInfo folder, string dockerfile, IgnorePatterns ignored, string? outside)
    {
        this.folder = folder;
        this.ignored = ignored;
        Dockerfile = dockerfile;
        Outside = outside;
    }

    /// <summary>The Dockerfile's path in the context.</summary>
    public string Dockerfile { get; }

    /// <summary>The text of a Dockerfile that is none of the context's files; null when it is one.</summary>
    public string? Outside { get; }

    /// <param name="folder">The context.</param>
    /// <param name="dockerfile">The Dockerfile's full path; null for <c>Dockerfile</c> in the context.</param>
    /// <param name="text">The Dockerfile itself, instead of a file; null for a file.</param>
    /// <exception cref="ContainerEngineException">There is no such file, or <c>.dockerignore</c> is malformed.</exception>
    public static BuildContextFiles Of(DirectoryInfo folder, string? dockerfile, string? text)
    {
        if (text is not null) return new BuildContextFiles(folder, NameFor(text), ReadIgnored(folder, null), text);
        string path = dockerfile ?? Default(folder);
        if (!File.Exists(path)) throw Invalid($"There is no Dockerfile '{path}'.");
        var patterns = ReadIgnored(folder, path);
        string relative = Path.GetRelativePath(folder.FullName, Path.GetFullPath(path)).Replace('\\', '/');
        if (!relative.StartsWith("../", StringComparison.Ordinal) && !Path.IsPathRooted(relative)) return new BuildContextFiles(folder, relative, patterns, null);
        string outside = File.ReadAllText(path);
        return new BuildContextFiles(folder, NameFor(outside), patterns, outside);
    }

    private static string Default(DirectoryInfo folder)
    {
        string usual = Path.Combine(folder.FullName, "Dockerfile"), lower = Path.Combine(folder.FullName, "dockerfile");
        return !File.Exists(usual) && File.Exists(lower) ? lower : usual;
    }

    /// <summary>A name that no file has by chance, and the same text has again.</summary>
    private static string NameFor(string text) => ".dockerfile." + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..20].ToLowerInvariant();

    /// <summary>A file beside the Dockerfile, named after it, counts before that of the context.</summary>
    private static IgnorePatterns ReadIgnored(DirectoryInfo folder, string? dockerfile)
    {
        string own = dockerfile + Ignore, common = Path.Combine(folder.FullName, Ignore);
        string? file = dockerfile is not null && File.Exists(own) ? own : File.Exists(common) ? common : null;
        if (file is null) return IgnorePatterns.None;
        try
        {
            return IgnorePatterns.Parse(File.ReadAllText(file));
        }
        catch (FormatException e)
        {
            throw Invalid($"'{file}' is malformed: {e.Message}.", e);
        }
    }

    private static ContainerEngineException Invalid(string message, Exception? inner = null) => new(EngineErrorKind.InvalidRequest, message, inner) { Request = "POST /build" };

    /// <summary>The files and folders to send, parents first, with their paths in the archive.</summary>
    /// <remarks>Those that the engine looks for are sent even when they are left out: it takes them away itself.</remarks>
    public IEnumerable<(FileSystemInfo Item, string Path)> Enumerate() => Enumerate(folder, "");

    private IEnumerable<(FileSystemInfo Item, string Path)> Enumerate(DirectoryInfo directory, string prefix)
    {
        foreach (var item in directory.EnumerateFileSystemInfos().OrderBy(i => i.Name, StringComparer.Ordinal))
        {
            string path = prefix + item.Name;
            bool isFolder = item is DirectoryInfo && item.LinkTarget is null;
            bool left = ignored.Excludes(path) && path != Dockerfile && path != Ignore;
            if (left && !(isFolder && (ignored.MayContainExceptions(path) || Dockerfile.StartsWith(path + "/", StringComparison.Ordinal)))) continue;
            if (!left) yield return (item, path);
            if (!isFolder) continue;
            foreach (var inner in Enumerate((DirectoryInfo)item, path + "/")) yield return inner;
        }
    }
}
