using System.Security.Cryptography;
using System.Text;
using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>The server's part of a websocket's opening handshake (RFC 6455, section 4.2).</summary>
internal static class WebSocketHandshake
{
    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeySize = 16;

    /// <summary>The value of <c>Sec-WebSocket-Accept</c>.</summary>
    /// <exception cref="EngineException">400: the request asks for no websocket, or for one that this server does not speak.</exception>
    public static string Answer(HttpRequest request)
    {
        if (!Holds(request.Headers.Upgrade, "websocket") || !Holds(request.Headers.Connection, "upgrade"))
            throw EngineException.InvalidParameter("not a websocket request: the headers Connection: Upgrade and Upgrade: websocket are missing");
        if (request.Headers.SecWebSocketVersion != "13") throw EngineException.InvalidParameter($"websocket version \"{request.Headers.SecWebSocketVersion}\" is not supported, only 13");
        string key = request.Headers.SecWebSocketKey.ToString();
        Span<byte> decoded = stackalloc byte[KeySize + 2];
        if (!Convert.TryFromBase64String(key, decoded, out int length) || length != KeySize) throw EngineException.InvalidParameter("the header Sec-WebSocket-Key is missing or not a key of 16 bytes");
#pragma warning disable CA5350 // the protocol's own choice, and no secret
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Magic)));
#pragma warning restore CA5350
    }

    private static bool Holds(Microsoft.Extensions.Primitives.StringValues header, string word) =>
        header.Any(value => value is not null && value.Split(',', StringSplitOptions.TrimEntries).Contains(word, StringComparer.OrdinalIgnoreCase));
}
