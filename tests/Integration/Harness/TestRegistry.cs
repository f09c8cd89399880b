using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Gantry.Integration.Harness;

/// <summary>A real registry (Debian's docker-registry) on a loopback port of its own, with a folder of its own. It can be killed, and started again with what it had.</summary>
internal sealed class TestRegistry : IAsyncDisposable
{
    public const string User = "joe", Password = "secret";

    /// <summary>bcrypt of the password, as htpasswd writes it.</summary>
    private const string PasswordLine = "joe:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-reg-");
    private readonly string name;
    private readonly int port;
    private Process? process;

    private TestRegistry(bool asksForPassword, TestCertificates? tls)
    {
        name = tls?.Name ?? "127.0.0.1";
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        string auth = "";
        if (asksForPassword)
        {
            File.WriteAllText(Path.Combine(folder.FullName, "htpasswd"), PasswordLine);
            auth = $"auth: {{htpasswd: {{realm: test, path: {folder.FullName}/htpasswd}}}}\n";
        }
        string secure = "";
        if (tls is not null)
        {
            File.WriteAllText(Path.Combine(folder.FullName, "ca.pem"), tls.Authority.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder.FullName, "server.pem"), tls.Server.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder.FullName, "server.key"), TestCertificates.KeyOf(tls.Server));
            secure = $", tls: {{certificate: {folder.FullName}/server.pem, key: {folder.FullName}/server.key, clientcas: [{folder.FullName}/ca.pem]}}";
        }
        File.WriteAllText(ConfigPath, $"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder.FullName}/data}}, delete: {{enabled: true}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"{secure}}}\n{auth}");
        var handler = new SocketsHttpHandler();
        if (tls is not null)
        {
            handler.SslOptions.ClientCertificates = [tls.Client];
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        }
        Http = new HttpClient(handler) { BaseAddress = new Uri($"{(tls is null ? "http" : "https")}://{Host}"), Timeout = TimeSpan.FromSeconds(20) };
        if (asksForPassword) Http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String("joe:secret"u8));
    }

    private string ConfigPath => Path.Combine(folder.FullName, "config.yml");

    /// <summary><c>127.0.0.1:port</c>; with TLS, the name of its certificate instead.</summary>
    public string Host => $"{name}:{port}";

    public HttpClient Http { get; }

    /// <param name="tls">Speaks TLS, and wants a certificate of its clients.</param>
    public static async Task<TestRegistry> StartAsync(bool asksForPassword = false, TestCertificates? tls = null)
    {
        for (int tries = 3; ; tries--)
        {
            var registry = new TestRegistry(asksForPassword, tls);
            try
            {
                await registry.StartAgainAsync();
                return registry;
            }
            catch
            {
                bool again = tries > 1 && registry.process is { HasExited: true };   // somebody else has taken its port meanwhile
                await registry.DisposeAsync();
                if (!again) throw;
            }
        }
    }

    /// <summary>Starts it, and waits until it answers.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("docker-registry", ["serve", ConfigPath]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in start.Environment.Keys.Where(n => n.StartsWith("REGISTRY_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var limit = DateTime.UtcNow.AddSeconds(60);
        while (!await AnswersAsync())
        {
            if (process.HasExited) throw new InvalidOperationException($"docker-registry ended with {process.ExitCode}");
            if (DateTime.UtcNow >= limit) throw new TimeoutException("docker-registry does not answer");
            await Task.Delay(20);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var answer = await Http.GetAsync("/v2/");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Ends it without any warning.</summary>
    public async Task KillAsync()
    {
        if (process is null) return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>The file in which it keeps a blob.</summary>
    public string BlobPath(string digest)
    {
        string hex = digest["sha256:".Length..];
        return Path.Combine(folder.FullName, "data/docker/registry/v2/blobs/sha256", hex[..2], hex, "data");
    }

    public async Task<JsonElement> ManifestAsync(string repository, string reference)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v2/{repository}/manifests/{reference}");
        request.Headers.Accept.ParseAdd("application/vnd.docker.distribution.manifest.v2+json");
        request.Headers.Accept.ParseAdd("application/vnd.oci.image.manifest.v1+json");
        using var answer = await Http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Http.Dispose();
        folder.Delete(recursive: true);
    }
}
