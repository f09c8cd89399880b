using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>The headers that every routed answer has (reference 4.2).</summary>
internal sealed class ApiHeaders(bool experimental)
{
    /// <summary>Docker's product name is part of the protocol: clients find the server's operating system by it.</summary>
    public static readonly string Server = $"Docker/{BuildInfo.Version} (linux)";

    private readonly string experimentalText = experimental ? "true" : "false";

    /// <summary>As they stand in an answer's head.</summary>
    public string Text { get; } = $"Api-Version: {BuildInfo.ApiVersion}\r\nDocker-Experimental: {(experimental ? "true" : "false")}\r\nOstype: linux\r\nServer: {Server}\r\n";

    public void Set(HttpResponse response)
    {
        SetVersion(response);
        response.Headers["Docker-Experimental"] = experimentalText;
    }

    /// <summary>Only those that a refused API version gets (golden 005, 006).</summary>
    public static void SetVersion(HttpResponse response)
    {
        var headers = response.Headers;
        headers["Api-Version"] = BuildInfo.ApiVersion;
        headers["Ostype"] = "linux";
        headers.Server = Server;
    }
}
