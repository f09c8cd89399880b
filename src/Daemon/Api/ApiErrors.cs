using System.Buffers;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>How failures look on the wire: a status and <c>{"message": …}</c>, or a last line within a stream that has begun (reference 4.4, 4.8).</summary>
internal static class ApiErrors
{
    public static int StatusOf(Exception error) => error is EngineException known ? (int)known.Kind : 500;

    public static string TextOf(Exception error) => error switch
    {
        OperationCanceledException => "the job was stopped",
        _ => error.Message,
    };

    public static async Task WriteAsync(HttpResponse response, int status, string message, bool plainText = false)
    {
        response.StatusCode = status;
        if (status is 304 or 204) return;
        if (plainText)
        {
            response.ContentType = "text/plain; charset=utf-8";
            response.Headers.XContentTypeOptions = "nosniff";
            await JsonAnswer.SendAsync(response, Encoding.UTF8.GetBytes(message + "\n")).ConfigureAwait(false);
            return;
        }
        response.ContentType = "application/json";
        await JsonAnswer.WriteAsync(response, new JsonBody<ErrorResponse>(new ErrorResponse { Message = message }, WireJson.TypeInfo<ErrorResponse>())).ConfigureAwait(false);
    }

    /// <summary>The last line of a stream that failed; its first field is the form that old clients read.</summary>
    public static byte[] LastLine(string message, int code = 0)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonAnswer.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("errorDetail");
            if (code != 0) writer.WriteNumber("code", code);
            writer.WriteString("message", message);
            writer.WriteEndObject();
            writer.WriteString("error", message);
            writer.WriteEndObject();
        }
        buffer.Write("\r\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
