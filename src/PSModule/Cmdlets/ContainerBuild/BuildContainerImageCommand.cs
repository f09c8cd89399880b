using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text.Json;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Builds images from Dockerfiles.</summary>
[Cmdlet("Build", "ContainerImage", SupportsShouldProcess = true, DefaultParameterSetName = "Path")]
[Alias("New-ContainerImage")]
[OutputType(typeof(ContainerImage))]
public sealed class BuildContainerImageCommand : RegistryTransferCmdlet
{
    /// <summary>Folders with the files of the build; a Git repository or a URL, which the engine fetches itself. Default: the current folder.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName", "Context")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = ["."];

    /// <summary>The Dockerfile, from the current folder or from that of the build; it may be outside. Default: <c>Dockerfile</c> in the folder of the build.</summary>
    [Parameter(ParameterSetName = "Path")]
    [Alias("Dockerfile")]
    [ValidateNotNullOrEmpty]
    public string? File { get; set; }

    /// <summary>The Dockerfile itself, instead of a file.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Content")]
    [ValidateNotNullOrEmpty]
    public string[]? Content { get; set; }

    /// <summary>Names for the image: <c>web</c>, <c>web:1.2</c>, <c>localhost:5000/team/web</c>.</summary>
    [Parameter(Position = 1)]
    [Alias("Name", "Repository")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Tag { get; set; }

    /// <summary>Build arguments: <c>@{VERSION = '1.2'}</c> or <c>'VERSION=1.2'</c>.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? BuildArg { get; set; }

    /// <summary>The last stage to build. Default: all of them.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Target { get; set; }

    /// <summary>Labels for the image.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>Run every step anew.</summary>
    [Parameter]
    public SwitchParameter NoCache { get; set; }

    /// <summary>Ask the registry for newer base images.</summary>
    [Parameter]
    public SwitchParameter Pull { get; set; }

    /// <summary>The network of the commands: <c>none</c>, <c>host</c>, or a network's name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Network { get; set; }

    /// <summary>What base images must be for: <c>linux/arm64</c>.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Platform { get; set; }

    /// <summary>Images whose history may answer for steps.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public string[]? CacheFrom { get; set; }

    /// <summary>Lines for the commands' <c>/etc/hosts</c>: <c>@{db = '10.0.0.2'}</c> or <c>'db:10.0.0.2'</c>.</summary>
    [Parameter]
    public object[]? ExtraHost { get; set; }

    /// <summary>Memory limit of the commands in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? Memory { get; set; }

    /// <summary>Limit of memory and swap together in bytes; -1 is unlimited.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? MemorySwap { get; set; }

    /// <summary>CPUs that the commands may use: 1.5.</summary>
    [Parameter]
    [ValidateRange(0.01, 100_000)]
    public double? Cpu { get; set; }

    /// <summary>Relative weight of the commands among busy containers; 1024 is normal.</summary>
    [Parameter]
    public long? CpuShare { get; set; }

    /// <summary>CPUs that the commands may run on: <c>0-3,8</c>.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CpuSet { get; set; }

    /// <summary>Size of the commands' <c>/dev/shm</c> in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? ShmSize { get; set; }

    /// <summary>Process limits by name: <c>@{nofile = '1024:2048'}</c>.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Ulimit { get; set; }

    /// <summary>The cgroup above those of the commands.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CgroupParent { get; set; }

    /// <summary>Leave the containers of commands, for a look at them.</summary>
    [Parameter]
    public SwitchParameter KeepContainer { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        foreach (string path in Path)
        {
            if (!ShouldProcess(Tag is null ? path : $"{string.Join(", ", Tag)} from {path}", "Build")) continue;
            try
            {
                var query = MakeQuery();
                BuildContextFiles? files = null;
                string? text = Content is null ? null : string.Join('\n', Content);
                if (IsRemote(path))
                {
                    if (text is not null) throw Invalid("-Content goes with a folder, and not with a remote context.");
                    query.Add("remote", path);
                    query.Add("dockerfile", File);
                }
                else
                {
                    files = OpenFolder(path, text);
                    query.Add("dockerfile", files.Dockerfile);
                    text ??= files.Outside ?? await System.IO.File.ReadAllTextAsync(System.IO.Path.Combine(FolderOf(path).FullName, files.Dockerfile), cancellation);
                }
                string? logins = BuildLogins.HeaderFor(this, text, Credential);   // now: a job could not ask a vault
                await SubmitInOrderAsync(path, token => BuildAsync(session, path, query, files, logins, token), cancellation);
            }
            catch (ContainerEngineException e)
            {
                WriteError(ErrorRecords.From(e, path));
            }
        }
    }

    private static bool IsRemote(string path) =>
        path.Contains("://", StringComparison.Ordinal) && !path.StartsWith("file:", StringComparison.OrdinalIgnoreCase) || path.StartsWith("git@", StringComparison.Ordinal)
        || (path.StartsWith("github.com/", StringComparison.Ordinal) && !Directory.Exists(path));

    private DirectoryInfo FolderOf(string path) => new(SessionState.Path.GetUnresolvedProviderPathFromPSPath(path));

    private BuildContextFiles OpenFolder(string path, string? text)
    {
        var folder = FolderOf(path);
        if (!folder.Exists) throw Invalid($"There is no folder '{path}'.");
        string? dockerfile = null;
        if (File is not null)
        {
            string here = SessionState.Path.GetUnresolvedProviderPathFromPSPath(File), there = System.IO.Path.Combine(folder.FullName, File);
            dockerfile = !System.IO.File.Exists(here) && System.IO.File.Exists(there) ? there : here;
        }
        return BuildContextFiles.Of(folder, dockerfile, text);
    }

    private static ContainerEngineException Invalid(string message) => new(EngineErrorKind.InvalidRequest, message) { Request = "POST /build" };

    private Query MakeQuery()
    {
        const long Period = 100_000;
        var query = new Query
        {
            { "t", Tag }, { "target", Target }, { "nocache", (bool)NoCache }, { "pull", (bool)Pull }, { "networkmode", Network }, { "platform", Platform }, { "cgroupparent", CgroupParent },
            { "cpusetcpus", CpuSet }, { "memory", Number(Memory) }, { "memswap", Number(MemorySwap) }, { "cpushares", Number(CpuShare) }, { "shmsize", Number(ShmSize) },
            { "extrahosts", ExtraHosts() }, { "rm", KeepContainer ? "0" : "1" }, { "forcerm", !KeepContainer },
        };
        if (Cpu is { } cpus)
        {
            query.Add("cpuperiod", Number(Period));
            query.Add("cpuquota", Number((long)(cpus * Period)));
        }
        if (BuildArg is not null) query.Add("buildargs", JsonSerializer.Serialize(Arguments(BuildArg), WireJson.TypeInfo<Dictionary<string, string>>()));
        if (Pairs.ToSorted(Label) is { } labels) query.Add("labels", JsonSerializer.Serialize(labels, WireJson.TypeInfo<SortedDictionary<string, string>>()));
        if (CacheFrom is not null) query.Add("cachefrom", JsonSerializer.Serialize([.. CacheFrom], WireJson.TypeInfo<List<string>>()));
        if (Ulimit is not null) query.Add("ulimits", JsonSerializer.Serialize(Ulimits(Ulimit), WireJson.TypeInfo<List<Ulimit>>()));
        return query;
    }

    private static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    /// <summary>A null value names the argument and leaves its default.</summary>
    private static Dictionary<string, string> Arguments(IDictionary pairs)
    {
        var arguments = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry pair in pairs) arguments[Pairs.Text(pair.Key)] = pair.Value is null ? null! : Pairs.Text(pair.Value);
        return arguments;
    }

    private IEnumerable<string>? ExtraHosts() => ExtraHost?.SelectMany(host => host switch
    {
        PSObject { BaseObject: IDictionary pairs } => Lines(pairs),
        IDictionary pairs => Lines(pairs),
        _ => [Pairs.Text(host)],
    });

    private static IEnumerable<string> Lines(IDictionary pairs) => pairs.Cast<DictionaryEntry>().Select(p => $"{Pairs.Text(p.Key)}:{Pairs.Text(p.Value)}");

    private static List<Ulimit> Ulimits(IDictionary pairs)
    {
        var limits = new List<Ulimit>();
        foreach (DictionaryEntry pair in pairs)
        {
            string[] parts = Pairs.Text(pair.Value).Split(':');
            if (parts.Length > 2 || !long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long soft)
                || !long.TryParse(parts[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long hard)) throw Invalid($"The limit '{Pairs.Text(pair.Value)}' of {Pairs.Text(pair.Key)} is no SOFT or SOFT:HARD.");
            limits.Add(new Ulimit { Name = Pairs.Text(pair.Key), Soft = soft, Hard = hard });
        }
        return limits;
    }

    private async Task BuildAsync(EngineSession session, string path, Query query, BuildContextFiles? files, string? logins, CancellationToken cancellation)
    {
        string activity = $"Building {Tag?[0] ?? path}", image;
        using var progress = files is null ? null : new UploadProgress(this, "Sending the build context", 0);
        using var context = files is null ? null : new BuildContextContent(files, progress!.Report, skipped => OnPipeline(() => WriteWarning($"{skipped} is neither a file nor a folder nor a link, and is left out.")));
        using (var display = new BuildDisplay(this, activity))
        {
            try
            {
                await foreach (var message in session.Client.BuildImageAsync(query, context, logins, cancellation)) display.Show(message);
            }
            catch (ContainerEngineException e) when (e.Kind is EngineErrorKind.EngineFault or EngineErrorKind.NotFound or EngineErrorKind.InvalidRequest)
            {
                WriteError(ErrorRecords.Create(e, "BuildFailed", e.Kind == EngineErrorKind.InvalidRequest ? ErrorCategory.InvalidData : ErrorCategory.InvalidResult, path, "Look at what the build has printed: -InformationAction Continue shows it."));
                return;
            }
            image = display.ImageId ?? throw new ContainerEngineException(EngineErrorKind.InvalidResponse, "The engine did not name the image that it built.") { Request = "POST /build" };
        }
        foreach (var row in await BuiltAsync(session, image, cancellation)) WriteObject(row);
    }

    /// <summary>The names that were asked for; without any, the image once.</summary>
    private async Task<IEnumerable<ContainerImage>> BuiltAsync(EngineSession session, string id, CancellationToken cancellation)
    {
        var images = await ImageQuery.ListAsync(session, null, all: true, cancellation);
        if (Tag is null) return images.Where(i => i.Id == id).Take(1);
        return Tag.SelectMany(t => ImageQuery.Select(images, t)).Where(i => i.Id == id).DistinctBy(i => i.Name);
    }
}
