using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Copies files and directories into containers and out of them, whether they run or not.</summary>
[Cmdlet(VerbsCommon.Copy, "ContainerFile", SupportsShouldProcess = true, DefaultParameterSetName = ToPath)]
[OutputType(typeof(FileInfo))]
public sealed class CopyContainerFileCommand : EngineCmdlet, IRunsAsJob
{
    private const string ToPath = "ToContainer", ToLiteralPath = "ToContainerLiteral", From = "FromContainer";
    private const uint DirectoryBit = 1u << 31, LinkBit = 1u << 27;

    /// <summary>What to copy: files and directories of this machine, with wildcards; with -FromContainer, paths in the container.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ToPath, ValueFromPipeline = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = From)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Files and directories of this machine, by exactly these names.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ToLiteralPath, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>Where to copy to: in a container, a directory that exists or the new name of a single file or directory; on this machine, the same. Default: the root, or the current directory.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>Containers to copy into: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ToPath)]
    [Parameter(Mandatory = true, ParameterSetName = ToLiteralPath)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ContainerReference[] ToContainer { get; set; } = [];

    /// <summary>Containers to copy out of: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, ParameterSetName = From, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ContainerReference[] FromContainer { get; set; } = [];

    /// <summary>Copy directories with all that is in them.</summary>
    [Parameter]
    public SwitchParameter Recurse { get; set; }

    /// <summary>Give what is copied into a container to the user that it runs as; otherwise it is root's.</summary>
    [Parameter(ParameterSetName = ToPath)]
    [Parameter(ParameterSetName = ToLiteralPath)]
    public SwitchParameter ContainerOwner { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    internal override Task ProcessAsync(CancellationToken cancellation) => ParameterSetName == From ? CopyOutAsync(cancellation) : CopyInAsync(cancellation);

    private async Task CopyInAsync(CancellationToken cancellation)
    {
        var sources = Sources();
        if (sources.Count == 0) return;
        await foreach (var target in ContainerResolver.ResolveAsync(this, ToContainer, cancellation))
        {
            foreach (string source in sources)
            {
                string destination = Destination ?? "/";
                if (!ShouldProcess($"{target}:{destination}", $"Copy {source}")) continue;
                await SubmitInOrderAsync(source, token => SendAsync(target, source, destination, sources.Count > 1, token), cancellation);
            }
        }
    }

    private List<string> Sources()
    {
        var sources = new List<string>();
        foreach (string path in ParameterSetName == ToPath ? Path : LiteralPath)
        {
            try
            {
                var found = ParameterSetName == ToPath ? SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _) : [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)];
                foreach (string file in found)
                {
                    if (Directory.Exists(file) && !Recurse) WriteError(ErrorRecords.Create(new IOException($"'{file}' is a directory."), "DirectoryWithoutRecurse", ErrorCategory.InvalidArgument, file, "Copy directories with -Recurse."));
                    else if (!File.Exists(file) && !Directory.Exists(file)) throw new ItemNotFoundException($"There is no file '{file}'.");
                    else sources.Add(file);
                }
            }
            catch (ItemNotFoundException e)
            {
                WriteError(ErrorRecords.Create(e, "FileNotFound", ErrorCategory.ObjectNotFound, path));
            }
        }
        return sources;
    }

    private async Task SendAsync(ContainerTarget target, string source, string destination, bool several, CancellationToken cancellation)
    {
        var (directory, name) = await PlaceAsync(target, System.IO.Path.GetFileName(source.TrimEnd('/', '\\')), destination, several, cancellation);
        try
        {
            using var progress = new UploadProgress(this, $"Copying {source}", new FileInfo(source) is { Exists: true } file ? file.Length : 0);
            using var archive = new FileArchiveContent(source, name, progress.Report);
            await target.Client.SendArchiveAsync(target.Id, directory, ContainerOwner, archive, cancellation);
            WriteVerbose($"Copied {source} to {target}:{directory.TrimEnd('/')}/{name}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteError(ErrorRecords.Create(e, "FileUnreadable", ErrorCategory.ReadError, source));
        }
    }

    /// <summary>The directory to write into, and the name there: a directory that exists takes the source under its own name, anything else is the new name.</summary>
    private static async Task<(string Directory, string Name)> PlaceAsync(ContainerTarget target, string own, string destination, bool several, CancellationToken cancellation)
    {
        if (!destination.StartsWith('/')) destination = "/" + destination;
        var stat = await FollowAsync(target, destination, cancellation);
        if (stat is not null && (stat.Mode & DirectoryBit) != 0) return (destination, own);
        string trimmed = destination.TrimEnd('/');
        if (several || destination.EndsWith('/'))
            throw new ContainerEngineException(EngineErrorKind.NotFound, $"There is no directory '{destination}' in the container {target}.") { Request = "PUT /containers/archive" };
        int slash = trimmed.LastIndexOf('/');
        return (slash <= 0 ? "/" : trimmed[..slash], trimmed[(slash + 1)..]);
    }

    private static async Task<PathStat?> FollowAsync(ContainerTarget target, string path, CancellationToken cancellation)
    {
        var stat = await target.Client.FindPathAsync(target.Id, path, cancellation);
        return stat is not null && (stat.Mode & LinkBit) != 0 ? await target.Client.FindPathAsync(target.Id, stat.LinkTarget, cancellation) : stat;
    }

    private async Task CopyOutAsync(CancellationToken cancellation)
    {
        string destination = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Destination ?? ".");
        await foreach (var source in ContainerResolver.ResolveAsync(this, FromContainer, cancellation))
        {
            foreach (string path in Path)
            {
                if (!ShouldProcess(destination, $"Copy {source}:{path}")) continue;
                await SubmitInOrderAsync(path, token => ReceiveAsync(source, path, destination, token), cancellation);
            }
        }
    }

    private async Task ReceiveAsync(ContainerTarget source, string path, string destination, CancellationToken cancellation)
    {
        var stat = await source.Client.FindPathAsync(source.Id, path, cancellation)
            ?? throw new ContainerEngineException(EngineErrorKind.NotFound, $"Could not find the file {path} in container {source}") { Request = "GET /containers/archive" };
        if ((stat.Mode & DirectoryBit) != 0 && !Recurse)
        {
            WriteError(ErrorRecords.Create(new IOException($"'{path}' is a directory of the container {source}."), "DirectoryWithoutRecurse", ErrorCategory.InvalidArgument, path, "Copy directories with -Recurse."));
            return;
        }
        bool intoDirectory = Directory.Exists(destination);
        bool isContent = stat.Name is "." or "/";
        string target = intoDirectory && !isContent ? System.IO.Path.Combine(destination, stat.Name) : destination;
        try
        {
            using var response = await source.Client.OpenArchiveAsync(source.Id, path, cancellation);
            using var progress = new UploadProgress(this, $"Copying {source}:{path}", 0);
            await using var content = await response.Content.ReadAsStreamAsync(cancellation);
            await foreach (var file in new FileExtraction(target).RunAsync(new ObservedStream(content, progress.Report), cancellation)) WriteObject(file);
        }
        catch (HttpIOException e)
        {
            throw EngineClient.Translate(e, "GET /containers/archive");
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            WriteError(ErrorRecords.Create(e, "FileUnwritable", ErrorCategory.WriteError, target));
        }
    }
}
