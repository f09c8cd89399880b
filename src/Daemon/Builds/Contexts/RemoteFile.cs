using System.Globalization;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Registries;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>Gets what a URL names.</summary>
internal static class RemoteFile
{
    private const int LongestComplaint = 4096;

    public static bool IsUrl(string text) => text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal);

    /// <exception cref="EngineException">The server cannot be reached, or refuses; with the kind that its status has.</exception>
    public static async Task<HttpResponseMessage> GetAsync(HttpClient http, string url, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) throw EngineException.InvalidParameter($"parse {GoText.Quote(url)}: invalid URL");
        HttpResponseMessage response;
        try
        {
            response = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw EngineException.System($"Get {GoText.Quote(url)}: {RegistryErrors.Reason(address, e)}", e);
        }
        if ((int)response.StatusCode < 400) return response;
        using (response)
        {
            int status = (int)response.StatusCode;
            string complaint = await ComplaintAsync(response, cancellation).ConfigureAwait(false);
            string message = string.Create(CultureInfo.InvariantCulture, $"failed to GET {url} with status {status} {response.ReasonPhrase}: {complaint}");
            throw new EngineException(status switch { 404 => ErrorKind.NotFound, 400 => ErrorKind.InvalidParameter, 401 => ErrorKind.Unauthorized, 403 => ErrorKind.Forbidden, _ => ErrorKind.System }, message);
        }
    }

    private static async Task<string> ComplaintAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        byte[] text = new byte[LongestComplaint];
        int length = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return Encoding.UTF8.GetString(text, 0, length).Trim();
    }
}
