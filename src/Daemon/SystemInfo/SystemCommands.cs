using Gantry.Daemon.Engine;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.SystemInfo;

/// <summary>Commands about the engine as a whole.</summary>
public static class SystemCommands
{
    public static readonly Command<Nothing, Nothing> Ping = new("ping", "Answers OK, with what a client needs for choosing its API version in the headers.")
    {
        Bind = _ => default,
        Routes = ["GET /_ping", "HEAD /_ping"],
        Streams = "text",
        Permission = "read",
    };

    public static readonly Command<Nothing, VersionResponse> Version = new("version", "Shows the versions of the engine and of what it runs on.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<VersionResponse>(),
        Routes = ["GET /version"],
        Permission = "read",
    };

    public static readonly Command<Nothing, InfoResponse> Info = new("info", "Shows what the engine has, how it is configured, and what the machine can do.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<InfoResponse>(),
        Routes = ["GET /info"],
        Permission = "read",
    };

    public static readonly Command<AuthConfig, AuthResponse> Auth = new("auth", "Checks credentials with a registry.")
    {
        Parameters = [Parameter.Body("authConfig", "username, password, serveraddress, or identitytoken.")],
        Bind = a => a.Body(WireJson.TypeInfo<AuthConfig>()) ?? new AuthConfig(),
        Response = WireJson.TypeInfo<AuthResponse>(),
        Routes = ["POST /auth"],
        Permission = "read",
    };

    public static readonly Command<DiskUsageRequest, DiskUsageResponse> DiskUsage = new("system_df", "Shows what images, containers and volumes take of the disk.")
    {
        Parameters = [Parameter.Query("type", ParameterType.Strings, "What to measure: container, image, volume, build-cache; everything when it is not given (API 1.42).")],
        Bind = a => new DiskUsageRequest(a.FindAll("type")),
        Response = WireJson.TypeInfo<DiskUsageResponse>(),
        Routes = ["GET /system/df"],
        Permission = "read",
        Since = "1.25",
    };

    private static readonly Version DiskUsageTypesSince = new(1, 42);

    private static readonly byte[] Ok = "OK"u8.ToArray();

    internal static void RegisterSystemCommands(this Engine.Engine engine, SystemService system, RegistryLogin login, DiskUsageReport usage)
    {
        engine.Register(Ping, async (job, _, cancellation) =>
        {
            job.Output.ContentType = "text/plain; charset=utf-8";
            var headers = job.Output.Headers;
            headers["Builder-Version"] = "1";   // the classic builder; 2 would promise BuildKit
            headers["Cache-Control"] = "no-cache, no-store, must-revalidate";
            headers["Pragma"] = "no-cache";
            headers["Swarm"] = "inactive";
            headers["Content-Length"] = "2";
            await job.Output.WriteAsync(Ok, cancellation).ConfigureAwait(false);
            return default;
        });
        engine.Register(Version, (_, _, _) => Task.FromResult(system.Version()));
        engine.Register(Info, (job, _, _) => Task.FromResult(system.Info(job.Client.ApiVersion)));
        engine.Register(DiskUsage, (job, request, cancellation) =>
            usage.RunAsync(job.Client.ApiVersion < DiskUsageTypesSince ? new DiskUsageRequest([]) : request, cancellation));
        engine.Register(Auth, (_, request, cancellation) => login.LoginAsync(request, cancellation));
    }
}
