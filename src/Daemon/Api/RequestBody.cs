using System.Buffers;
using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>Reads a request's JSON body.</summary>
internal static class RequestBody
{
    /// <summary>Far above any sensible request; streams (archives, build contexts) have no limit.</summary>
    public const int Limit = 16 << 20;

    /// <summary>The body's bytes; none when there is no body.</summary>
    /// <exception cref="EngineException">400: not declared as JSON, nothing where something was announced, or too much.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadJsonAsync(HttpRequest request, CancellationToken cancellation)
    {
        bool announced = request.ContentLength is not 0 && (request.ContentLength is not null || request.Headers.TransferEncoding.Count > 0);
        CheckContentType(request.ContentType, announced);
        if (!announced) return default;
        if (request.ContentLength > Limit) throw TooLarge();

        var buffer = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 512));
        var reader = request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            foreach (var part in result.Buffer) buffer.Write(part.Span);
            reader.AdvanceTo(result.Buffer.End);
            if (buffer.WrittenCount > Limit) throw TooLarge();
            if (result.IsCompleted) break;
        }
        if (buffer.WrittenSpan.Trim(" \t\r\n"u8).IsEmpty) throw EngineException.InvalidParameter("invalid JSON: got EOF while reading request body");
        return buffer.WrittenMemory;
    }

    private static EngineException TooLarge() => EngineException.InvalidParameter("the request body is larger than 16 MiB");

    /// <summary>The rule and the texts of dockerd (golden 010).</summary>
    private static void CheckContentType(string? type, bool hasBody)
    {
        if (string.IsNullOrEmpty(type))
        {
            if (hasBody) throw EngineException.InvalidParameter("malformed Content-Type header (): mime: no media type");
            return;
        }
        int semicolon = type.IndexOf(';');
        var media = (semicolon < 0 ? type : type[..semicolon]).AsSpan().Trim();
        if (!media.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            throw EngineException.InvalidParameter($"unsupported Content-Type header ({type}): must be 'application/json'");
    }
}
