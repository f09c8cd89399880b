using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Sessions;

/// <summary>What a context of the docker CLI says about an engine.</summary>
internal sealed record ContextEntry(string Name, string Description, string Host, TlsSettings? Tls);

/// <summary>The contexts of the docker CLI: <c>contexts/meta/&lt;sha256 of the name&gt;/meta.json</c> below its configuration, TLS files beside it.</summary>
internal static class ContextStore
{
    private static string Root => Path.Combine(
        Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } directory ? directory : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"),
        "contexts");

    /// <exception cref="ContainerEngineException">There is none of that name, or its file is broken.</exception>
    public static ContextEntry Read(string name)
    {
        if (name == "default") return new ContextEntry(name, "", SessionConnector.EnvironmentHost is { Length: > 0 } host ? host : "unix://" + EngineAddress.DockerSocket, null);
        string id = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(name))).ToLowerInvariant();
        string file = Path.Combine(Root, "meta", id, "meta.json");
        if (!File.Exists(file)) throw new ContainerEngineException(EngineErrorKind.NotFound, $"There is no context '{name}' in {Root}.");
        return ReadFile(file, id) ?? throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"The context '{name}' has no docker endpoint.");
    }

    /// <summary>Names of all contexts that can be read.</summary>
    public static IEnumerable<ContextEntry> List()
    {
        string meta = Path.Combine(Root, "meta");
        foreach (string directory in Directory.Exists(meta) ? Directory.GetDirectories(meta) : [])
        {
            string file = Path.Combine(directory, "meta.json");
            if (!File.Exists(file)) continue;
            ContextEntry? entry = null;
            try
            {
                entry = ReadFile(file, Path.GetFileName(directory));
            }
            catch (ContainerEngineException)
            {
                // A broken context is not offered; naming it says what is wrong.
            }
            if (entry is not null) yield return entry;
        }
    }

    private static ContextEntry? ReadFile(string file, string id)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var root = json.RootElement;
            if (!root.TryGetProperty("Endpoints", out var endpoints) || !endpoints.TryGetProperty("docker", out var docker)) return null;
            string host = docker.TryGetProperty("Host", out var h) ? h.GetString() ?? "" : "";
            bool skip = docker.TryGetProperty("SkipTLSVerify", out var s) && s.GetBoolean();
            string description = root.TryGetProperty("Metadata", out var data) && data.TryGetProperty("Description", out var d) ? d.GetString() ?? "" : "";
            string tls = Path.Combine(Root, "tls", id, "docker");
            return new ContextEntry(root.GetProperty("Name").GetString() ?? "", description, host, Directory.Exists(tls) || skip ? TlsSettings.FromDirectory(tls, skip) : null);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException or KeyNotFoundException)
        {
            throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"The context file {file} cannot be read: {e.Message}", e);
        }
    }
}
