using System.Text;
using System.Text.Json;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Client;

/// <summary>An answer with one JSON document a line (events, progress, statistics), read as it comes.</summary>
internal sealed class JsonLines<T>(HttpResponseMessage response, Stream stream, string request) : IDisposable
{
    private readonly StreamReader reader = new(stream, Encoding.UTF8);

    /// <summary>The next document; default at the end.</summary>
    public async Task<T?> NextAsync(CancellationToken cancellation)
    {
        try
        {
            while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            {
                if (!string.IsNullOrWhiteSpace(line)) return JsonSerializer.Deserialize(line, WireJson.TypeInfo<T>());
            }
            return default;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
        {
            throw EngineClient.Translate(e, request);
        }
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
