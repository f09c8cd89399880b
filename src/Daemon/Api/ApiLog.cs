using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api;

internal static partial class ApiLog
{
    [LoggerMessage(201, LogLevel.Information, "API listens on {Address}")]
    public static partial void Listening(ILogger log, string address);

    [LoggerMessage(202, LogLevel.Debug, "there is no group {Group}: the socket stays root's")]
    public static partial void NoDefaultGroup(ILogger log, string group);

    [LoggerMessage(203, LogLevel.Warning, "[!] DON'T BIND ON ANY IP ADDRESS WITHOUT --tlsverify IF YOU DON'T KNOW WHAT YOU'RE DOING: whoever reaches {Address} is root here [!]")]
    public static partial void OpenToNetwork(ILogger log, string address);

    [LoggerMessage(204, LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger log, string method, string path, Exception error);

    [LoggerMessage(205, LogLevel.Debug, "{Method} {Path}: the client has gone (499)")]
    public static partial void ClientGone(ILogger log, string method, string path);

    [LoggerMessage(206, LogLevel.Debug, "a TLS handshake failed: {Reason}")]
    public static partial void HandshakeFailed(ILogger log, string reason);

    [LoggerMessage(207, LogLevel.Warning, "accepting a connection failed: {Reason}")]
    public static partial void AcceptFailed(ILogger log, string reason);
}
