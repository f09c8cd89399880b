using System.Globalization;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Builds;

/// <summary>The commands of the builder: v1.2.0's <c>build</c>, and its cache.</summary>
public static class BuildCommands
{
    public static readonly Command<BuildRequest, Nothing> Build = new("build", "Builds an image from a Dockerfile and the files of its context.")
    {
        Routes = ["POST /build"],
        Parameters =
        [
            Query("t", ParameterType.Strings, "Name for the image; may be given again."),
            Query("dockerfile", ParameterType.String, "Path of the Dockerfile in the context.", "Dockerfile"),
            Query("remote", ParameterType.String, "A Git repository or a URL to build from, instead of what is sent along."),
            Query("target", ParameterType.String, "The last stage to build."),
            Query("buildargs", ParameterType.Object, "Build arguments: a map; null for the default."),
            Query("labels", ParameterType.Object, "Labels for the image: a map."),
            Query("cachefrom", ParameterType.Object, "Images whose history may answer for steps: a list."),
            Query("platform", ParameterType.String, "os/architecture[/variant] of base images."),
            Query("q", ParameterType.Boolean, "Print the image's id alone.", "false"),
            Query("nocache", ParameterType.Boolean, "Run every step anew.", "false"),
            Query("pull", ParameterType.Boolean, "Ask the registry for newer base images.", "false"),
            Query("rm", ParameterType.Boolean, "Remove the container of a step that went well.", "true"),
            Query("forcerm", ParameterType.Boolean, "Remove the container of any step.", "false"),
            Query("networkmode", ParameterType.String, "Network of RUN's containers.", "default"),
            Query("extrahosts", ParameterType.Strings, "name:address for /etc/hosts."),
            Query("memory", ParameterType.Integer, "Bytes of memory."),
            Query("memswap", ParameterType.Integer, "Bytes of memory and swap; -1 for any swap."),
            Query("cpushares", ParameterType.Integer, "Relative weight."),
            Query("cpuperiod", ParameterType.Integer, "Microseconds."),
            Query("cpuquota", ParameterType.Integer, "Microseconds in each period."),
            Query("cpusetcpus", ParameterType.String, "CPUs to run on: 0-3,7."),
            Query("cpusetmems", ParameterType.String, "Memory nodes to use."),
            Query("cgroupparent", ParameterType.String, "Control group above the containers'."),
            Query("shmsize", ParameterType.Integer, "Bytes of /dev/shm."),
            Query("ulimits", ParameterType.Object, "A list of Name, Soft, Hard."),
            Query("squash", ParameterType.Boolean, "Not supported.", "false"),
            Query("version", ParameterType.String, "1; 2, BuildKit, is not supported.", "1"),
            Parameter.Header("X-Registry-Config", "Credentials for registries."),
            Parameter.BodyStream("context", "Archive of the build context: tar, plain or compressed by gzip, zstd, bzip2 or xz."),
        ],
        Bind = Bind,
        Streams = "stream of ProgressMessage",
    };

    public static readonly Command<BuildPruneRequest, BuildPruneResponse> Prune = new("build_prune", "Deletes images that only the build cache needs.")
    {
        Routes = ["POST /build/prune"],
        Parameters =
        [
            Query("all", ParameterType.Boolean, "Images in use by nobody too.", "false"),
            Query("filters", ParameterType.Object, "until, id, parent, type, description, inuse, shared, private."),
            Query("reserved-space", ParameterType.Integer, "Bytes of cache to keep."),
            Query("keep-storage", ParameterType.Integer, "The same, before API 1.48."),
            Query("max-used-space", ParameterType.Integer, "The same."),
            Query("min-free-space", ParameterType.Integer, "Bytes of the disk to keep free."),
        ],
        Bind = BindPrune,
        Response = WireJson.TypeInfo<BuildPruneResponse>(),
        Since = "1.31",
    };

    private static Parameter Query(string name, ParameterType type, string description, string? @default = null) => Parameter.Query(name, type, description, @default);

    private static BuildRequest Bind(CommandArguments a)
    {
        if (a.FindAll("securityopt").Count > 0) throw EngineException.InvalidParameter("security options are not supported on linux");
        if (a.String("isolation") is { Length: > 0 } isolation && isolation.ToLowerInvariant() is not "default")
            throw EngineException.InvalidParameter($"unsupported isolation: {GoText.Quote(isolation)}");
        string version = a.String("version");
        if (version is "2") throw EngineException.NotImplemented("BuildKit is not supported by this engine: use the classic builder (DOCKER_BUILDKIT=0)");
        if (version is not ("" or "1")) throw EngineException.InvalidParameter($"invalid version {GoText.Quote(version)}");
        if (a.Boolean("squash")) throw EngineException.InvalidParameter("squash is only supported with experimental mode");
        bool force = a.Boolean("forcerm");
        return new BuildRequest
        {
            Dockerfile = a.String("dockerfile") is { Length: > 0 } file ? file : "Dockerfile",
            Tags = a.FindAll("t"),
            Remote = a.String("remote"),
            Target = a.String("target"),
            Arguments = Json<Dictionary<string, string?>>(a, "buildargs", "error reading build args") ?? [],
            Labels = Json<Dictionary<string, string>>(a, "labels", "error reading labels") ?? [],
            CacheFrom = Json<List<string>>(a, "cachefrom", "error reading cache-from") ?? [],
            Platform = a.String("platform"),
            Quiet = a.Boolean("q"),
            NoCache = a.Boolean("nocache"),
            Pull = a.Boolean("pull"),
            ForceRemove = force,
            Remove = force || a.String("rm").Length == 0 || a.Boolean("rm"),
            RegistryConfig = a.String("X-Registry-Config"),
            HostConfig = HostConfigOf(a),
        };
    }

    private static HostConfig HostConfigOf(CommandArguments a) => new()
    {
        Memory = Number(a, "memory"),
        MemorySwap = Number(a, "memswap"),
        CpuShares = Number(a, "cpushares"),
        CpuPeriod = Number(a, "cpuperiod"),
        CpuQuota = Number(a, "cpuquota"),
        CpusetCpus = a.String("cpusetcpus"),
        CpusetMems = a.String("cpusetmems"),
        CgroupParent = a.String("cgroupparent"),
        ShmSize = ShmSize(a),
        NetworkMode = a.String("networkmode") is { Length: > 0 } mode ? mode : "default",
        ExtraHosts = a.FindAll("extrahosts") is { Count: > 0 } hosts ? [.. hosts] : null,
        Ulimits = Json<List<Ulimit>>(a, "ulimits", "error reading ulimit settings"),
        LogConfig = new LogConfig { Type = "none" },
    };

    /// <summary>What is no number is 0, as in dockerd.</summary>
    private static long Number(CommandArguments a, string name) => long.TryParse(a.String(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : 0;

    private static long ShmSize(CommandArguments a) =>
        a.String("shmsize") is not { Length: > 0 } text ? 0
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value
        : throw EngineException.InvalidParameter($"strconv.ParseInt: parsing {GoText.Quote(text)}: invalid syntax");

    private static T? Json<T>(CommandArguments a, string name, string what) where T : class
    {
        if (a.String(name) is not { Length: > 0 } text) return null;
        try
        {
            var value = JsonSerializer.Deserialize(text, WireJson.TypeInfo<T>());
            return name == "labels" && value is Dictionary<string, string> map && map.ContainsValue(null!) || value is List<string> list && list.Contains(null!) || value is List<Ulimit> limits && limits.Contains(null!)
                ? throw EngineException.InvalidParameter($"{what}: null")
                : value;
        }
        catch (JsonException e)
        {
            throw EngineException.InvalidParameter($"{what}: {GoJsonError.Describe(Encoding.UTF8.GetBytes(text), WireJson.TypeInfo<T>(), e)}", e);
        }
    }

    private static readonly IReadOnlySet<string> PruneFilters =
        new HashSet<string>(StringComparer.Ordinal) { "until", "id", "parent", "type", "description", "inuse", "shared", "private" };

    private static BuildPruneRequest BindPrune(CommandArguments a)
    {
        var filters = Filters.Parse(a.Find("filters"), PruneFilters);
        long Bytes(string name) => a.String(name) is not { Length: > 0 } text ? 0
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value
            : throw EngineException.InvalidParameter($"{name} is in bytes and expects an integer, got {text}: strconv.Atoi: parsing {GoText.Quote(text)}: invalid syntax");
        long reserved = Bytes("reserved-space");
        if (reserved == 0) reserved = Bytes("keep-storage");
        if (reserved == 0) reserved = Bytes("max-used-space");
        Bytes("min-free-space");
        if (filters["until"].Count > 1) throw EngineException.InvalidParameter("more than one until filter specified");
        DateTimeOffset? until = filters["until"] is [var text] ? Timestamps.Parse(text, DateTimeOffset.UtcNow) : null;
        return new BuildPruneRequest(a.Boolean("all"), filters, until, reserved);
    }

    /// <summary>Registers the commands of the builder.</summary>
    public static void RegisterBuildCommands(this Engine.Engine engine, BuildService builds)
    {
        engine.Register(Build, async (job, request, cancellation) =>
        {
            await builds.BuildAsync(job, request, cancellation).ConfigureAwait(false);
            return default;
        });
        engine.Register(Prune, (_, request, cancellation) => builds.PruneAsync(request, cancellation));
    }
}
