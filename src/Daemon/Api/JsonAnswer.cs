using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>Writes JSON as Docker's encoder does: compact, no HTML escapes, a newline at the end.</summary>
internal static class JsonAnswer
{
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A whole answer, with its length.</summary>
    public static async Task WriteAsync(HttpResponse response, JsonBody body)
    {
        var buffer = Render(body);
        await SendAsync(response, buffer.WrittenMemory).ConfigureAwait(false);
    }

    public static ArrayBufferWriter<byte> Render(JsonBody body)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        body.Write(writer);
        writer.Flush();
        buffer.Write("\n"u8);
        return buffer;
    }

    public static async Task SendAsync(HttpResponse response, ReadOnlyMemory<byte> bytes)
    {
        response.ContentLength = bytes.Length;
        if (HttpMethods.IsHead(response.HttpContext.Request.Method)) return;
        await response.BodyWriter.WriteAsync(bytes).ConfigureAwait(false);
    }
}
