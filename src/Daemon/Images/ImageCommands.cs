using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Operations;
using Gantry.Daemon.Images.Pull;
using Gantry.Daemon.Images.Push;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images;

/// <summary>The commands of the image store: v1.2.0's names (reference 2.4) on today's routes (reference 4.1).</summary>
public static class ImageCommands
{
    private const string ProgressStream = "stream of ProgressMessage", ArchiveStream = "tar archive";

    private static readonly Parameter Name = Parameter.Path("name", "Name, id or beginning of an id of the image.");

    private static readonly Parameter Platform = Parameter.Query("platform", ParameterType.String, "JSON: the platform that the image must be for.");

    public static readonly Command<ImageImportRequest, Nothing> Import = new("import", "Makes an image of a root filesystem archive.")
    {
        Routes = ["POST /images/create"],
        Parameters =
        [
            Parameter.Query("fromSrc", ParameterType.String, "- for the archive that is sent along, or a URL.") with { Position = 0 },
            Parameter.Query("repo", ParameterType.String, "Name for the image.") with { Position = 1 },
            Parameter.Query("tag", ParameterType.String, "Tag of the name.", "latest") with { Position = 2 },
            Parameter.Query("message", ParameterType.String, "Comment for the history.", "Imported from …"),
            Parameter.Query("changes", ParameterType.Strings, "Dockerfile instructions to apply: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR."),
            Parameter.Query("platform", ParameterType.String, "os/architecture[/variant] of the image."),
            Parameter.BodyStream("archive", "Archive of the root filesystem: tar, plain or compressed by gzip, zstd, bzip2 or xz."),
        ],
        Bind = a => new ImageImportRequest(
            a.String("fromSrc"), a.String("repo"), a.String("tag"), a.String("message"), a.FindAll("changes"), a.String("platform")),
        Streams = ProgressStream,
    };

    internal static readonly Command<PullRequest, Nothing> Pull = new("pull", "Brings an image in from a registry.")
    {
        Routes = ["POST /images/create?fromImage"],
        Parameters =
        [
            Parameter.Query("fromImage", ParameterType.String, "Name of the image; without a tag and a digest, all tags are pulled.") with { Required = true, Position = 0 },
            Parameter.Query("tag", ParameterType.String, "Tag or digest, over that of the name.") with { Position = 1 },
            Parameter.Query("platform", ParameterType.String, "os/architecture[/variant] to choose from an index.", "this machine's"),
            RegistryCommands.Credentials,
        ],
        Bind = a => PullRequest.Parse(a.Required("fromImage"), a.String("tag"), a.String("platform"), RegistryCredentials.Decode(a.String(RegistryCredentials.Header))),
        Streams = ProgressStream,
    };

    internal static readonly Command<PushRequest, Nothing> Push = new("push", "Sends an image to a registry.")
    {
        Routes = ["POST /images/{name*}/push"],
        Parameters =
        [
            Parameter.Path("name", "Name of the image; without a tag, all tags are pushed."),
            Parameter.Query("tag", ParameterType.String, "Tag, over that of the name.") with { Position = 1 },
            Platform,
            RegistryCommands.Credentials,
        ],
        Bind = a => PushRequest.Parse(a.Required("name"), a.String("tag"), Platforms.ParseJson(a.String("platform")), RegistryCredentials.Decode(a.String(RegistryCredentials.Header))),
        Streams = ProgressStream,
    };

    internal static readonly Command<RegistryInspectRequest, DistributionInspect> DistributionInspect = new("distribution_inspect", "Shows what a registry has under a name, without pulling it.")
    {
        Routes = ["GET /distribution/{name*}/json"],
        Parameters = [Parameter.Path("name", "Name of the image, with a tag or digest."), RegistryCommands.Credentials],
        Bind = a => new RegistryInspectRequest(a.Required("name"), RegistryCredentials.Decode(a.String(RegistryCredentials.Header))),
        Response = WireJson.TypeInfo<DistributionInspect>(),
        Since = "1.30",
        Permission = "read",
    };

    public static readonly Command<ImageLoadRequest, Nothing> Load = new("load", "Loads images from an archive of docker save or an OCI layout.")
    {
        Routes = ["POST /images/load"],
        Parameters =
        [
            Parameter.Query("quiet", ParameterType.Boolean, "Do not report how far each layer has come.", "true"),
            Parameter.Query("platform", ParameterType.String, "JSON: which image of a multi-platform index to load."),
            Parameter.BodyStream("archive", "The archive, plain or compressed."),
        ],
        Bind = a => new ImageLoadRequest(a.Boolean("quiet", true), Platforms.ParseJson(a.String("platform"))),
        Streams = ProgressStream,
    };

    public static readonly Command<ImageListRequest, List<ImageSummary>> Images = new("images", "Lists images, newest first.")
    {
        Routes = ["GET /images/json"],
        Parameters =
        [
            Parameter.Query("all", ParameterType.Boolean, "Intermediate images too.", "false"),
            Parameter.Query("filters", ParameterType.Object, "before, since, dangling, label, reference, until."),
            Parameter.Query("shared-size", ParameterType.Boolean, "Compute how much of each image is shared with others.", "false"),
            Parameter.Query("filter", ParameterType.String, "Before API 1.41: a pattern for names."),
        ],
        Bind = a => new ImageListRequest(a.Boolean("all"), Filters.Parse(a.Find("filters"), ImageList.FilterKeys), a.Boolean("shared-size"), a.String("filter")),
        Response = WireJson.TypeInfo<List<ImageSummary>>(),
        Permission = "read",
    };

    public static readonly Command<ImageNameRequest, ImageInspect> ImageInspect = new("image_inspect", "Describes one image.")
    {
        Routes = ["GET /images/{name*}/json"],
        Parameters = [Name, Platform],
        Bind = BindName,
        Response = WireJson.TypeInfo<ImageInspect>(),
        Permission = "read",
    };

    public static readonly Command<ImageNameRequest, List<ImageHistoryItem>> History = new("history", "Lists the steps by which an image was made, newest first.")
    {
        Routes = ["GET /images/{name*}/history"],
        Parameters = [Name, Platform],
        Bind = BindName,
        Response = WireJson.TypeInfo<List<ImageHistoryItem>>(),
        Permission = "read",
    };

    public static readonly Command<ImageTagRequest, Nothing> Tag = new("tag", "Gives an image one more name, taking it from whoever has it.")
    {
        Routes = ["POST /images/{name*}/tag"],
        Parameters =
        [
            Name,
            Parameter.Query("repo", ParameterType.String, "The new name's repository.") with { Position = 1, Required = true },
            Parameter.Query("tag", ParameterType.String, "The new name's tag.", "latest") with { Position = 2 },
        ],
        Bind = a => new ImageTagRequest(a.Required("name"), a.String("repo"), a.String("tag")),
        SuccessStatus = 201,
    };

    public static readonly Command<ImageTagRequest, Nothing> ImageTag = new("image_tag", "Gives an image one more name: the new name first, as v1.2.0 had it.")
    {
        Parameters =
        [
            new Parameter("newName", ParameterType.String, ParameterLocation.None, "The new name, with a tag or without.") { Required = true, Position = 0 },
            new Parameter("name", ParameterType.String, ParameterLocation.None, "Name, id or beginning of an id of the image.") { Required = true, Position = 1 },
        ],
        Bind = a => new ImageTagRequest(a.Required("name"), a.Required("newName"), ""),
        Since = "gantry",
    };

    public static readonly Command<ImageDeleteRequest, List<ImageDeleteItem>> ImageDelete = new("image_delete", "Takes a name from an image; with its last name, or by its id, the image goes.")
    {
        Routes = ["DELETE /images/{name*}"],
        Parameters =
        [
            Name,
            Parameter.Query("force", ParameterType.Boolean, "Also with several names, or stopped containers.", "false"),
            Parameter.Query("noprune", ParameterType.Boolean, "Leave parents that have no name.", "false"),
        ],
        Bind = a => new ImageDeleteRequest(a.Required("name"), a.Boolean("force"), a.Boolean("noprune")),
        Response = WireJson.TypeInfo<List<ImageDeleteItem>>(),
    };

    public static readonly Command<ImagePruneRequest, ImagesPruneResponse> ImagesPrune = new("images_prune", "Deletes images that nobody needs.")
    {
        Routes = ["POST /images/prune"],
        Parameters = [Parameter.Query("filters", ParameterType.Object, "dangling (default true), label, label!, until.")],
        Bind = a => new ImagePruneRequest(Filters.Parse(a.Find("filters"), ImagePrune.FilterKeys)),
        Response = WireJson.TypeInfo<ImagesPruneResponse>(),
        Since = "1.25",
    };

    public static readonly Command<ImageExportRequest, Nothing> ImageExport = new("image_export", "Writes images as an archive that docker load takes.")
    {
        Routes = ["GET /images/get", "GET /images/{name*}/get"],
        Parameters =
        [
            Parameter.Query("names", ParameterType.Strings, "Names or ids; a name without a tag means all its tags."),
            new Parameter("name", ParameterType.String, ParameterLocation.Path, "One name or id.") { Position = 0 },
            Platform,
        ],
        Bind = a => new ImageExportRequest([.. a.FindAll("name"), .. a.FindAll("names")]),
        Streams = ArchiveStream,
        Permission = "read",
    };

    public static readonly Command<ImageNameRequest, ImageInspect> ImageGet = new("image_get", "Describes one image by its name or id alone.")
    {
        Parameters = [Name with { Location = ParameterLocation.None }],
        Bind = a => new ImageNameRequest(a.Required("name")),
        Response = WireJson.TypeInfo<ImageInspect>(),
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<ImageSetRequest, IdResponse> ImageSet = new("image_set", "Makes an image of a configuration and the layer archive that is sent along.")
    {
        Parameters =
        [
            new Parameter("name", ParameterType.String, ParameterLocation.None, "Name for the image.") { Position = 0 },
            new Parameter("json", ParameterType.String, ParameterLocation.None, "Image configuration; its rootfs is filled in.") { Required = true },
            new Parameter("parent", ParameterType.String, ParameterLocation.None, "The image that the layer lies on."),
            new Parameter("layer", ParameterType.Stream, ParameterLocation.None, "Archive of the layer; empty for none."),
        ],
        Bind = a => new ImageSetRequest(a.String("name"), a.Required("json"), a.String("parent")),
        Response = WireJson.TypeInfo<IdResponse>(),
        SuccessStatus = 201,
        Since = "gantry",
    };

    public static readonly Command<ImageNameRequest, Nothing> ImageTarLayer = new("image_tarlayer", "Writes the archive of an image's topmost layer.")
    {
        Parameters = [Name with { Location = ParameterLocation.None }],
        Bind = a => new ImageNameRequest(a.Required("name")),
        Streams = ArchiveStream,
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<Nothing, Nothing> Viz = new("viz", "Draws the images and what they were made from for graphviz.")
    {
        Bind = _ => default,
        Streams = "graphviz text",
        Since = "gantry",
        Permission = "read",
    };

    private static ImageNameRequest BindName(CommandArguments arguments) => new(arguments.Required("name"), Platforms.ParseJson(arguments.String("platform")));

    /// <summary>Registers every command of the image store.</summary>
    public static void RegisterImageCommands(this Engine.Engine engine, ImageService images)
    {
        engine.Register(Import, Nothing<ImageImportRequest>(images.ImportAsync));
        engine.Register(Pull, Nothing<PullRequest>(images.PullAsync));
        engine.Register(Push, Nothing<PushRequest>(images.PushAsync));
        engine.Register(DistributionInspect, (_, request, cancellation) => images.InspectRemoteAsync(request, cancellation));
        engine.Register(Load, Nothing<ImageLoadRequest>(images.LoadAsync));
        engine.Register(Images, (job, request, _) => Task.FromResult(images.List(job, request)));
        engine.Register(ImageInspect, (job, request, _) => Task.FromResult(images.Inspect(job, request)));
        engine.Register(ImageGet, (job, request, _) => Task.FromResult(images.Inspect(job, request)));
        engine.Register(History, (_, request, _) => Task.FromResult(images.History(request)));
        engine.Register(Tag, Nothing<ImageTagRequest>((_, request, cancellation) => images.TagAsync(request, cancellation)));
        engine.Register(ImageTag, Nothing<ImageTagRequest>((_, request, cancellation) => images.TagAsync(request, cancellation)));
        engine.Register(ImageDelete, (_, request, cancellation) => images.DeleteAsync(request, cancellation));
        engine.Register(ImagesPrune, (_, request, cancellation) => images.PruneAsync(request, cancellation));
        engine.Register(ImageExport, Nothing<ImageExportRequest>(images.ExportAsync));
        engine.Register(ImageSet, images.SetAsync);
        engine.Register(ImageTarLayer, Nothing<ImageNameRequest>(images.LayerArchiveAsync));
        engine.Register(Viz, Nothing<Nothing>((job, _, cancellation) => images.DrawAsync(job, cancellation)));
    }

    private static Func<Job, TRequest, CancellationToken, Task<Nothing>> Nothing<TRequest>(Func<Job, TRequest, CancellationToken, Task> handler) =>
        async (job, request, cancellation) =>
        {
            await handler(job, request, cancellation).ConfigureAwait(false);
            return default;
        };
}
