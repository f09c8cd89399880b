using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using static Gantry.Daemon.Engine.Parameter;
using static Gantry.Daemon.Engine.ParameterType;

namespace Gantry.Daemon.Containers;

/// <summary>The engine's commands for the files of containers.</summary>
public static class ContentCommands
{
    private const string ArchiveStream = "tar archive";

    private static readonly Parameter Name = Path("name", "The container: its name, its id or the beginning of its id.");

    public static readonly Command<CommitRequest, IdResponse> Commit = new("commit", "Makes an image of a container.")
    {
        Parameters =
        [
            Query("container", ParameterType.String, "The container: its name, its id or the beginning of its id.") with { Position = 0, Required = true },
            Query("repo", ParameterType.String, "Name for the image.") with { Position = 1 },
            Query("tag", ParameterType.String, "Tag of the name.", "latest") with { Position = 2 },
            Query("comment", ParameterType.String, "What the history says."), Query("author", ParameterType.String, "Who made it: NAME <MAIL>."),
            Query("pause", ParameterType.Boolean, "Freeze the container's processes meanwhile.", "true"),
            Query("changes", Strings, "Dockerfile instructions to apply: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR."),
            Body("config", "What the image's configuration begins with; the container's own when there is none."),
        ],
        Routes = ["POST /commit"],
        SuccessStatus = 201,
        Bind = a => new CommitRequest(a.String("container"), a.String("repo"), a.String("tag"), a.Boolean("pause", @default: true), a.String("comment"), a.String("author"), a.FindAll("changes"),
            a.Body(WireJson.TypeInfo<ContainerConfig>())),
        Response = WireJson.TypeInfo<IdResponse>(),
    };

    public static readonly Command<ContainerReference, List<ContainerChange>?> Changes = new("container_changes", "Lists what a container has changed of its image's files: 0 modified, 1 added, 2 deleted.")
    {
        Parameters = [Name],
        Routes = ["GET /containers/{name*}/changes"],
        Permission = "read",
        Bind = a => new ContainerReference(a.Required("name")),
        Response = WireJson.TypeInfo<List<ContainerChange>?>(),
    };

    public static readonly Command<ContainerReference, Nothing> Export = new("export", "Writes a container's root file system as an archive.")
    {
        Parameters = [Name],
        Routes = ["GET /containers/{name*}/export"],
        Permission = "read",
        Streams = ArchiveStream,
        Bind = a => new ContainerReference(a.Required("name")),
    };

    private static readonly Parameter InContainer = Query("path", ParameterType.String, "Path in the container; a trailing /. means a directory's content.") with { Position = 1 };

    public static readonly Command<ArchiveRequest, Nothing> PathStatus = new("container_path", "Describes a path in a container, in the header X-Docker-Container-Path-Stat.")
    {
        Parameters = [Name, InContainer],
        Routes = ["HEAD /containers/{name*}/archive"],
        Permission = "read",
        SuccessStatus = 200,
        Bind = a => new ArchiveRequest(a.Required("name"), a.String("path")),
    };

    public static readonly Command<ArchiveRequest, Nothing> Copy = new("container_copy", "Writes a file or directory of a container as an archive.")
    {
        Parameters = [Name, InContainer],
        Routes = ["GET /containers/{name*}/archive"],
        Permission = "read",
        Streams = ArchiveStream,
        Bind = a => new ArchiveRequest(a.Required("name"), a.String("path")),
    };

    public static readonly Command<ExtractRequest, Nothing> Extract = new("container_extract", "Writes an archive into a directory of a container.")
    {
        Parameters =
        [
            Name, Query("path", ParameterType.String, "The directory.") with { Position = 1 },
            Query("noOverwriteDirNonDir", ParameterType.Boolean, "Refuse to put a file in a directory's place, or a directory in a file's.", "false"),
            Query("copyUIDGID", ParameterType.Boolean, "Give everything to the user that the container runs as.", "false"),
            BodyStream("archive", "The archive: tar, plain or compressed by gzip, zstd, bzip2 or xz."),
        ],
        Routes = ["PUT /containers/{name*}/archive"],
        SuccessStatus = 200,
        Bind = a => new ExtractRequest(a.Required("name"), a.String("path"), a.Boolean("noOverwriteDirNonDir"), a.Boolean("copyUIDGID")),
    };

    public static void RegisterContentCommands(this Engine.Engine engine, ContainerService service)
    {
        engine.Register(Commit, (_, request, cancellation) => service.CommitAsync(request, cancellation));
        engine.Register(Changes, (_, request, cancellation) => service.ChangesAsync(request.Name, cancellation));
        engine.Register(Export, Doing<ContainerReference>((job, request, cancellation) => service.ExportAsync(job, request.Name, cancellation)));
        engine.Register(PathStatus, Doing<ArchiveRequest>(service.DescribePathAsync));
        engine.Register(Copy, Doing<ArchiveRequest>(service.ReadArchiveAsync));
        engine.Register(Extract, Doing<ExtractRequest>(service.ExtractArchiveAsync));
    }

    /// <summary>A handler without a response.</summary>
    private static Func<Job, TRequest, CancellationToken, Task<Nothing>> Doing<TRequest>(Func<Job, TRequest, CancellationToken, Task> work) =>
        async (job, request, cancellation) =>
        {
            await work(job, request, cancellation).ConfigureAwait(false);
            return default;
        };
}
