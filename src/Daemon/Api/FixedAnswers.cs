using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Api;

/// <summary>An answer that never depends on state.</summary>
/// <param name="Message">An error's text; <c>{name}</c> stands for the route's value. Null when <paramref name="Body"/> is the answer.</param>
/// <param name="OnUpgrade">The text of the 501 for a request that asks for another protocol.</param>
internal sealed record FixedAnswer(string Route, ErrorKind Kind, string? Message, string? Body = null, string? OnUpgrade = null);

/// <summary>What a single host does not have (reference 4.1b), and operations of the API that this engine does not implement: 501, with their names.</summary>
internal static class FixedAnswers
{
    private const string NoManager = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.";

    public static readonly IReadOnlyList<FixedAnswer> All = [.. Swarm(), .. Plugins(), .. BuildKit(), .. NotImplemented()];

    private static IEnumerable<FixedAnswer> Swarm()
    {
        string[] needManager =
        [
            "GET /swarm", "POST /swarm/update", "GET /swarm/unlockkey", "POST /swarm/unlock",
            "GET /nodes", "GET /nodes/{id}", "DELETE /nodes/{id}", "POST /nodes/{id}/update",
            "GET /services", "POST /services/create", "GET /services/{id}", "DELETE /services/{id}", "POST /services/{id}/update", "GET /services/{id}/logs",
            "GET /tasks", "GET /tasks/{id}", "GET /tasks/{id}/logs",
            "GET /secrets", "POST /secrets/create", "GET /secrets/{id}", "DELETE /secrets/{id}", "POST /secrets/{id}/update",
            "GET /configs", "POST /configs/create", "GET /configs/{id}", "DELETE /configs/{id}", "POST /configs/{id}/update",
        ];
        foreach (string route in needManager) yield return new FixedAnswer(route, ErrorKind.Unavailable, NoManager);
        yield return new FixedAnswer("POST /swarm/leave", ErrorKind.Unavailable, "This node is not part of a swarm");
        yield return new FixedAnswer("POST /swarm/init", ErrorKind.NotImplemented, "swarm mode is not supported by this engine");
        yield return new FixedAnswer("POST /swarm/join", ErrorKind.NotImplemented, "swarm mode is not supported by this engine");
        yield return new FixedAnswer("PUT /volumes/{name*}", ErrorKind.Unavailable, "volume update only valid for cluster volumes, but swarm is unavailable");
    }

    private static IEnumerable<FixedAnswer> Plugins()
    {
        const string Missing = "plugin \"{name}\" not found", Unsupported = "plugins are not supported by this engine";
        yield return new FixedAnswer("GET /plugins", default, null, "[]\n");
        foreach (string route in (string[])["GET /plugins/{name*}/json", "DELETE /plugins/{name*}", "POST /plugins/{name*}/enable", "POST /plugins/{name*}/disable",
            "POST /plugins/{name*}/upgrade", "POST /plugins/{name*}/push", "POST /plugins/{name*}/set"])
            yield return new FixedAnswer(route, ErrorKind.NotFound, Missing);
        foreach (string route in (string[])["GET /plugins/privileges", "POST /plugins/pull", "POST /plugins/create"])
            yield return new FixedAnswer(route, ErrorKind.NotImplemented, Unsupported);
    }

    private static IEnumerable<FixedAnswer> BuildKit()
    {
        const string NoUpgrade = "no upgrade proto in request", Unsupported = "BuildKit is not supported by this engine: use the classic builder (DOCKER_BUILDKIT=0)";
        yield return new FixedAnswer("POST /session", ErrorKind.InvalidParameter, NoUpgrade, OnUpgrade: Unsupported);
        yield return new FixedAnswer("POST /grpc", ErrorKind.InvalidParameter, NoUpgrade, OnUpgrade: Unsupported);
        yield return new FixedAnswer("POST /build/cancel", ErrorKind.NotImplemented, "builds are cancelled by closing their connection: this engine has no BuildKit");
    }

    private static IEnumerable<FixedAnswer> NotImplemented()
    {
        (string Route, string Operation)[] operations =
        [
            ("GET /containers/json", "ContainerList"), ("POST /containers/create", "ContainerCreate"), ("GET /containers/{name*}/json", "ContainerInspect"),
            ("GET /containers/{name*}/top", "ContainerTop"), ("GET /containers/{name*}/logs", "ContainerLogs"), ("GET /containers/{name*}/changes", "ContainerChanges"),
            ("GET /containers/{name*}/export", "ContainerExport"), ("GET /containers/{name*}/stats", "ContainerStats"), ("POST /containers/{name*}/resize", "ContainerResize"),
            ("POST /containers/{name*}/start", "ContainerStart"), ("POST /containers/{name*}/stop", "ContainerStop"), ("POST /containers/{name*}/restart", "ContainerRestart"),
            ("POST /containers/{name*}/kill", "ContainerKill"), ("POST /containers/{name*}/update", "ContainerUpdate"), ("POST /containers/{name*}/rename", "ContainerRename"),
            ("POST /containers/{name*}/pause", "ContainerPause"), ("POST /containers/{name*}/unpause", "ContainerUnpause"), ("POST /containers/{name*}/attach", "ContainerAttach"),
            ("GET /containers/{name*}/attach/ws", "ContainerAttachWebsocket"), ("POST /containers/{name*}/wait", "ContainerWait"), ("DELETE /containers/{name*}", "ContainerDelete"),
            ("HEAD /containers/{name*}/archive", "ContainerArchiveInfo"), ("GET /containers/{name*}/archive", "ContainerArchive"), ("PUT /containers/{name*}/archive", "PutContainerArchive"),
            ("POST /containers/prune", "ContainerPrune"), ("GET /containers/{name*}/checkpoints", "CheckpointList"), ("POST /containers/{name*}/checkpoints", "CheckpointCreate"),
            ("DELETE /containers/{name*}/checkpoints/{checkpoint}", "CheckpointDelete"),
            ("POST /containers/{name*}/exec", "ContainerExec"), ("POST /exec/{id}/start", "ExecStart"), ("POST /exec/{id}/resize", "ExecResize"), ("GET /exec/{id}/json", "ExecInspect"),
            ("GET /images/json", "ImageList"), ("POST /build", "ImageBuild"), ("POST /build/prune", "BuildPrune"), ("POST /images/create", "ImageCreate"),
            ("GET /images/{name*}/json", "ImageInspect"), ("GET /images/{name*}/history", "ImageHistory"), ("POST /images/{name*}/push", "ImagePush"), ("POST /images/{name*}/tag", "ImageTag"),
            ("DELETE /images/{name*}", "ImageDelete"), ("GET /images/search", "ImageSearch"), ("POST /images/prune", "ImagePrune"), ("POST /commit", "ImageCommit"),
            ("GET /images/{name*}/get", "ImageGet"), ("GET /images/get", "ImageGetAll"), ("POST /images/load", "ImageLoad"), ("GET /distribution/{name*}/json", "DistributionInspect"),
            ("GET /networks", "NetworkList"), ("GET /networks/", "NetworkList"), ("GET /networks/{id}", "NetworkInspect"), ("DELETE /networks/{id}", "NetworkDelete"),
            ("POST /networks/create", "NetworkCreate"), ("POST /networks/{id}/connect", "NetworkConnect"), ("POST /networks/{id}/disconnect", "NetworkDisconnect"), ("POST /networks/prune", "NetworkPrune"),
            ("GET /volumes", "VolumeList"), ("POST /volumes/create", "VolumeCreate"), ("GET /volumes/{name*}", "VolumeInspect"), ("DELETE /volumes/{name*}", "VolumeDelete"),
            ("POST /volumes/prune", "VolumePrune"), ("GET /system/df", "SystemDataUsage"), ("POST /auth", "SystemAuth"), ("GET /info", "SystemInfo"), ("GET /version", "SystemVersion"), ("GET /events", "SystemEvents"),
        ];
        foreach (var (route, operation) in operations) yield return new FixedAnswer(route, ErrorKind.NotImplemented, $"{operation} is not implemented by this engine");
    }
}
