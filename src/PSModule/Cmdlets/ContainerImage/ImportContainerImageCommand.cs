using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Brings images in: from an archive of images, or from the archive of a root file system.</summary>
[Cmdlet(VerbsData.Import, "ContainerImage", SupportsShouldProcess = true, DefaultParameterSetName = "Path")]
[Alias("Load-ContainerImage")]
[OutputType(typeof(ContainerImage))]
public sealed class ImportContainerImageCommand : ImageTransferCmdlet
{
    /// <summary>Archive files, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path", ValueFromPipeline = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Archive files, by exactly these names.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The address of a root file system's archive, which the engine fetches itself.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Uri")]
    [ValidateNotNullOrEmpty]
    public string? Uri { get; set; }

    /// <summary>The archive holds a root file system, and no images. It becomes one image with one layer.</summary>
    [Parameter(ParameterSetName = "Path")]
    [Parameter(ParameterSetName = "LiteralPath")]
    [Alias("RootFs")]
    public SwitchParameter RootFileSystem { get; set; }

    /// <summary>The name of the image of a root file system; it may have the tag behind a colon. Makes -RootFileSystem unnecessary.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Repository { get; set; }

    /// <summary>The tag of the image of a root file system. Default: <c>latest</c>.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Tag { get; set; }

    /// <summary>A comment in the image of a root file system.</summary>
    [Parameter]
    public string? Message { get; set; }

    /// <summary>Dockerfile instructions for the image of a root file system: <c>CMD ["sh"]</c>, <c>ENV A=b</c>.</summary>
    [Parameter]
    public string[]? Change { get; set; }

    /// <summary>The platform of the image of a root file system: <c>linux/amd64</c>.</summary>
    [Parameter]
    public string? Platform { get; set; }

    private bool IsRoot => RootFileSystem || Repository is not null || Uri is not null || Tag is not null || Message is not null || Change is not null || Platform is not null;

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        if (Uri is not null)
        {
            if (ShouldProcess(Uri, "Import a root file system")) await SubmitInOrderAsync(Uri, token => ImportRootAsync(session, null, Uri, token), cancellation);
            return;
        }
        foreach (string file in Files())
        {
            if (!ShouldProcess(file, IsRoot ? "Import a root file system" : "Import images")) continue;
            await SubmitInOrderAsync(file, token => ImportFileAsync(session, file, token), cancellation);
        }
    }

    private List<string> Files()
    {
        var files = new List<string>();
        foreach (string path in ParameterSetName == "Path" ? Path : LiteralPath)
        {
            try
            {
                if (ParameterSetName == "Path") files.AddRange(SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _));
                else files.Add(SessionState.Path.GetUnresolvedProviderPathFromPSPath(path));
            }
            catch (ItemNotFoundException e)
            {
                WriteError(ErrorRecords.Create(e, "ArchiveNotFound", ErrorCategory.ObjectNotFound, path));
            }
        }
        return files;
    }

    private async Task ImportFileAsync(EngineSession session, string file, CancellationToken cancellation)
    {
        FileStream archive;
        try
        {
            archive = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var category = e is FileNotFoundException or DirectoryNotFoundException ? ErrorCategory.ObjectNotFound : ErrorCategory.OpenError;
            WriteError(ErrorRecords.Create(e, category == ErrorCategory.ObjectNotFound ? "ArchiveNotFound" : "ArchiveUnreadable", category, file));
            return;
        }
        await using (archive)
        {
            using var progress = new UploadProgress(this, $"Importing {System.IO.Path.GetFileName(file)}", archive.Length);
            var content = new ObservedStream(archive, progress.Report);
            if (IsRoot) await ImportRootAsync(session, content, null, cancellation);
            else await LoadAsync(session, content, file, cancellation);
        }
    }

    private async Task ImportRootAsync(EngineSession session, Stream? archive, string? source, CancellationToken cancellation)
    {
        var name = Repository is null ? null : ImageName.Parse(Repository);
        string? tag = Tag ?? name?.Tag, id = null;
        var messages = session.Client.ImportImageAsync(archive, source, name?.Repository, tag, Message, Change, Platform, cancellation);
        await ProgressDisplay.RunAsync(this, $"Importing {Repository ?? source ?? "a root file system"}", messages, message =>
        {
            if (message.Status?.StartsWith("sha256:", StringComparison.Ordinal) == true) id = message.Status.Trim();
        });
        if (id is null) throw new ContainerEngineException(EngineErrorKind.InvalidResponse, "The engine did not name the image that it made.") { Request = "POST /images/create" };
        WriteObject(await ImageQuery.FindAsync(session, name is null ? id : $"{name.Repository}:{tag ?? ImageName.DefaultTag}", cancellation), true);
    }

    private async Task LoadAsync(EngineSession session, Stream archive, string file, CancellationToken cancellation)
    {
        var loaded = new List<string>();
        await ProgressDisplay.RunAsync(this, $"Loading {System.IO.Path.GetFileName(file)}", session.Client.LoadImagesAsync(archive, cancellation), message =>
        {
            if (LoadedImage(message) is { } name) loaded.Add(name);
        });
        foreach (string name in loaded) WriteObject(await ImageQuery.FindAsync(session, name, cancellation), true);
    }

    /// <summary>From <c>Loaded image: busybox:latest</c> or <c>Loaded image ID: sha256:…</c> (reference 4.8).</summary>
    private static string? LoadedImage(ProgressMessage message)
    {
        foreach (string prefix in (string[])["Loaded image: ", "Loaded image ID: "])
        {
            if (message.Stream?.StartsWith(prefix, StringComparison.Ordinal) == true) return message.Stream[prefix.Length..].Trim();
        }
        return null;
    }
}
