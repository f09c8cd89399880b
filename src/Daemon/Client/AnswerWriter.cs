using System.Text.Encodings.Web;
using System.Text.Json;

namespace Gantry.Daemon.Client;

/// <summary>Writes answers to standard output.</summary>
internal static class AnswerWriter
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Indented = Compact with { Indented = true };

    /// <summary>A JSON document: indented for people; else compact, a list with each element on a line of its own.</summary>
    public static void WriteJson(ReadOnlyMemory<byte> json, Stream output, bool forPeople)
    {
        using var document = JsonDocument.Parse(json);
        if (forPeople || document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() == 0)
        {
            Write(document.RootElement, output, forPeople ? Indented : Compact);
            output.Write("\n"u8);
            return;
        }
        output.Write("[\n"u8);
        int left = document.RootElement.GetArrayLength();
        foreach (var element in document.RootElement.EnumerateArray())
        {
            Write(element, output, Compact);
            output.Write(--left > 0 ? ",\n"u8 : "\n"u8);
        }
        output.Write("]\n"u8);
    }

    private static void Write(JsonElement element, Stream output, JsonWriterOptions options)
    {
        using var writer = new Utf8JsonWriter(output, options);
        element.WriteTo(writer);
    }

    /// <summary>Copies a stream as it comes. False when its last line is an error of the engine's (reference 4.8).</summary>
    public static async Task<bool> CopyAsync(Stream body, Stream output, CancellationToken cancellation)
    {
        byte[] buffer = new byte[64 << 10];
        var lastLine = new List<byte>();
        int count;
        while ((count = await body.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
            await output.FlushAsync(cancellation).ConfigureAwait(false);
            var text = buffer.AsSpan(0, count);
            var ended = text.TrimEnd("\r\n"u8);
            int newline = ended.LastIndexOf((byte)'\n');
            if (newline >= 0) lastLine.Clear();
            if (lastLine.Count < buffer.Length) lastLine.AddRange(newline < 0 ? text : text[(newline + 1)..]);
        }
        return !System.Runtime.InteropServices.CollectionsMarshal.AsSpan(lastLine).StartsWith("{\"errorDetail\""u8);
    }
}
