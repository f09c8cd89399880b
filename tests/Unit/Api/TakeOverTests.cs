using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Options;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Unit.Api;

/// <summary>Connections that commands take over (reference 4.7): both styles, half-close in both directions, on Unix sockets, tcp and TLS.</summary>
public sealed class TakeOverTests : IAsyncLifetime
{
    private const string Upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    private readonly DirectoryInfo certificates = Directory.CreateTempSubdirectory("gantry-tls-");
    private readonly TaskCompletionSource<bool> cancelledEarly = new();
    private ApiHost host = null!;
    private int port;

    public Task InitializeAsync()
    {
        port = FreePort();
        TestCertificates.Write(certificates.FullName);
        host = new ApiHost(o => o with
        {
            Hosts = [.. o.Hosts, new HostAddress(HostKind.Tcp, "127.0.0.1", port)],
        });
        RegisterEcho(host);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        certificates.Delete(recursive: true);
    }

    /// <summary>Says the exec body, echoes standard input to its end, then says more: what an exec does whose program works on after its input ended.</summary>
    private static void RegisterEcho(ApiHost host) => host.Engine.Register(new Command<ExecStartRequest, Nothing>("exec_start", "")
    {
        Parameters = [Parameter.Path("id", ""), Parameter.Body("body", "")],
        Bind = a => a.Body(WireJson.TypeInfo<ExecStartRequest>()) ?? new ExecStartRequest(),
        Routes = ["POST /exec/{id}/start", "POST /containers/{id}/attach"],
        Streams = "two-way stream",
    }, async (job, request, cancellation) =>
    {
        if (request.Detach) throw EngineException.Conflict("detached");
        await using var stream = await job.Connection!.TakeOverAsync("application/vnd.docker.multiplexed-stream", standardHeaders: true, cancellation);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"tty={request.Tty};"), cancellation);
        byte[] buffer = new byte[100];
        for (int n; (n = await stream.ReadAsync(buffer, cancellation)) > 0;) await stream.WriteAsync(buffer.AsMemory(0, n), cancellation);
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(20, cancellation);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"late{i};"), cancellation);
        }
        byte[] much = new byte[300_000];
        Array.Fill(much, (byte)'x');
        await stream.WriteAsync(much, cancellation);
        return default;
    });

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static string Request(string path, string headers, string? body = null) =>
        $"POST {path} HTTP/1.1\r\nHost: d\r\n{headers}{(body is null ? "" : $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n")}\r\n{body}";

    private async Task<Stream> OpenAsync(string transport)
    {
        if (transport == "unix") return new NetworkStream(await host.ConnectAsync(), ownsSocket: true);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task EndWritesAsync(Stream stream)
    {
        if (stream is SslStream tls) await tls.ShutdownAsync();
        else ((NetworkStream)stream).Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<string> ReadAllAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        return await reader.ReadToEndAsync(ApiHost.Limit);
    }

    /// <summary>One answer with a JSON object, on a connection that stays open.</summary>
    private static async Task<string> ReadAnswerAsync(Stream stream)
    {
        byte[] buffer = new byte[65536];
        int length = 0;
        do
        {
            int count = await stream.ReadAsync(buffer.AsMemory(length), ApiHost.Limit);
            Assert.NotEqual(0, count);
            length += count;
        }
        while (!buffer.AsSpan(0, length).EndsWith("}\n"u8));
        return Encoding.ASCII.GetString(buffer, 0, length);
    }

    private static void Check(string answer, bool upgraded, string input, bool tty = false)
    {
        string[] parts = answer.Split("\r\n\r\n", 2);
        if (upgraded) Assert.StartsWith("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n", parts[0] + "\r\n", StringComparison.Ordinal);
        else Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n", parts[0] + "\r\n", StringComparison.Ordinal);
        Assert.Contains("Api-Version: 1.51", parts[0], StringComparison.Ordinal);
        Assert.Equal($"tty={tty};{input}late0;late1;late2;{new string('x', 300_000)}", parts[1]);
    }

    [Theory]
    [InlineData("unix", true)]
    [InlineData("unix", false)]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    public async Task The_end_of_input_does_not_end_the_output(string transport, bool upgrade)
    {
        await using var stream = await OpenAsync(transport);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/v1.51/exec/e/start", upgrade ? Upgrade : "", """{"Tty":true}""")));
        await stream.WriteAsync("stdin-data\n"u8.ToArray());
        await EndWritesAsync(stream);
        Check(await ReadAllAsync(stream), upgrade, "stdin-data\n", tty: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Input_that_came_with_the_request_is_not_lost(bool upgrade)
    {
        await using var stream = await OpenAsync("unix");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/containers/c/attach", (upgrade ? Upgrade : "") + "Content-Length: 0\r\n") + "early\n"));
        await EndWritesAsync(stream);
        Check(await ReadAllAsync(stream), upgrade, "early\n");
    }

    [Fact]
    public async Task Input_after_a_body_in_the_same_packet_is_not_lost()
    {
        await using var stream = await OpenAsync("unix");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/exec/e/start", Upgrade, "{}") + "early\n"));
        await EndWritesAsync(stream);
        Check(await ReadAllAsync(stream), true, "early\n");
    }

    [Fact]
    public async Task A_connection_that_was_used_before_can_be_taken_over()
    {
        await using var stream = await OpenAsync("unix");
        await stream.WriteAsync("GET /engine/commands/commands HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray());
        string answer = await ReadAnswerAsync(stream);
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\"Name\":\"commands\"", answer, StringComparison.Ordinal);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/exec/e/start", Upgrade, "{}")));
        await EndWritesAsync(stream);
        Check(await ReadAllAsync(stream), true, "");
    }

    [Fact]
    public async Task A_megabyte_of_input_comes_back_whole()
    {
        await using var stream = await OpenAsync("unix");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/exec/e/start", Upgrade, "{}")));
        string input = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i % 10_000_000:0000000}\n"));
        var reading = ReadAllAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(input));
        await EndWritesAsync(stream);
        Check(await reading, true, input);
    }

    [Fact]
    public async Task An_error_before_the_take_over_is_an_ordinary_answer()
    {
        string answer = await host.RawAsync(Request("/exec/e/start", "Connection: Upgrade, close\r\nUpgrade: tcp\r\n", """{"Detach":true}"""));
        Assert.StartsWith("HTTP/1.1 409", answer, StringComparison.Ordinal);
        Assert.EndsWith("{\"message\":\"detached\"}\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_output_can_end_while_input_goes_on()
    {
        var seen = new TaskCompletionSource<string>();
        host.Engine.Register(TestCommands.Do("half", "POST /half"), async (job, _, cancellation) =>
        {
            await using var stream = await job.Connection!.TakeOverAsync("x", false, cancellation);
            await stream.WriteAsync("bye"u8.ToArray(), cancellation);
            await stream.CompleteWritesAsync();
            byte[] buffer = new byte[100];
            var text = new StringBuilder();
            for (int n; (n = await stream.ReadAsync(buffer, cancellation)) > 0;) text.Append(Encoding.ASCII.GetString(buffer, 0, n));
            seen.SetResult(text.ToString());
            return default;
        });
        await using var stream = await OpenAsync("unix");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/half", Upgrade)));
        Assert.EndsWith("\r\n\r\nbye", await ReadAllAsync(stream), StringComparison.Ordinal);
        await stream.WriteAsync("still here"u8.ToArray());
        await EndWritesAsync(stream);
        Assert.Equal("still here", await seen.Task.WaitAsync(ApiHost.Limit));
    }

    [Fact]
    public async Task Output_is_not_lost_when_the_client_never_ends_its_input()
    {
        host.Engine.Register(TestCommands.Do("burst", "POST /burst"), async (job, _, cancellation) =>
        {
            await using var stream = await job.Connection!.TakeOverAsync("x", false, cancellation);
            await stream.WriteAsync(new byte[2_000_000], cancellation);
            return default;
        });
        await using var stream = await OpenAsync("tcp");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/burst", Upgrade) + "input that nobody reads"));
        string answer = await ReadAllAsync(stream);
        Assert.Equal(2_000_000, answer.Length - answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) - 4);
    }

    [Fact]
    public async Task A_job_without_a_take_over_leaves_the_connection_usable()
    {
        await using var stream = await OpenAsync("unix");
        for (int i = 0; i < 2; i++)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/exec/e/start", Upgrade, """{"Detach":true}""")));
            Assert.StartsWith("HTTP/1.1 409", await ReadAnswerAsync(stream), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_styles_and_half_close_work_under_mutual_tls(bool upgrade)
    {
        int secure = FreePort();
        await using var tlsHost = TlsHost(secure);
        await using var stream = await ConnectTlsAsync(secure, "client");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Request("/exec/e/start", upgrade ? Upgrade : "", "{}")));
        await stream.WriteAsync("over tls\n"u8.ToArray());
        await EndWritesAsync(stream);
        Check(await ReadAllAsync(stream), upgrade, "over tls\n");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("stranger")]
    public async Task Without_a_certificate_of_the_right_authority_there_is_no_answer(string? certificate)
    {
        int secure = FreePort();
        await using var tlsHost = TlsHost(secure);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using var stream = await ConnectTlsAsync(secure, certificate);
            await stream.WriteAsync("GET /engine/commands HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"u8.ToArray());
            if ((await ReadAllAsync(stream)).Length == 0) throw new IOException("closed");
        });
    }

    [Fact]
    public async Task Plain_text_on_a_tls_port_is_refused_and_the_server_goes_on()
    {
        int secure = FreePort();
        await using var tlsHost = TlsHost(secure);
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(IPAddress.Loopback, secure);
            await socket.SendAsync("GET / HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray());
            byte[] buffer = new byte[100];
            int n = await socket.ReceiveAsync(buffer, ApiHost.Limit);
            Assert.DoesNotContain("HTTP", Encoding.ASCII.GetString(buffer, 0, n), StringComparison.Ordinal);
        }
        await using var stream = await ConnectTlsAsync(secure, "client");
        await stream.WriteAsync("GET /engine/commands HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", await ReadAllAsync(stream), StringComparison.Ordinal);
    }

    private ApiHost TlsHost(int secure)
    {
        var tlsHost = new ApiHost(o => o with
        {
            Hosts = [.. o.Hosts, new HostAddress(HostKind.Tcp, "127.0.0.1", secure)],
            Tls = new TlsOptions { Enabled = true, Verify = true, Authority = $"{certificates}/ca.pem", Certificate = $"{certificates}/server.pem", Key = $"{certificates}/server.key" },
        });
        RegisterEcho(tlsHost);
        return tlsHost;
    }

    private async Task<SslStream> ConnectTlsAsync(int secure, string? certificate)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, secure);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var options = new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        options.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile($"{certificates}/ca.pem");
        if (certificate is not null) options.ClientCertificates = [X509Certificate2.CreateFromPemFile($"{certificates}/{certificate}.pem", $"{certificates}/{certificate}.key")];
        await stream.AuthenticateAsClientAsync(options, ApiHost.Limit);
        return stream;
    }
}

/// <summary>A certificate authority for tests, with a server, a client, and a client of another authority.</summary>
internal static class TestCertificates
{
    public static void Write(string folder)
    {
        using var authority = Issue(folder, "ca", null, "1.3.6.1.5.5.7.3.1");
        Issue(folder, "server", authority, "1.3.6.1.5.5.7.3.1").Dispose();
        Issue(folder, "client", authority, "1.3.6.1.5.5.7.3.2").Dispose();
        using var other = Issue(folder, "other-ca", null, "1.3.6.1.5.5.7.3.1");
        Issue(folder, "stranger", other, "1.3.6.1.5.5.7.3.2").Dispose();
    }

    private static X509Certificate2 Issue(string folder, string name, X509Certificate2? issuer, string purpose)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var (from, to) = (DateTimeOffset.UtcNow.AddHours(-1), issuer?.NotAfter ?? DateTimeOffset.UtcNow.AddHours(1));
        X509Certificate2 certificate;
        if (issuer is null)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            certificate = request.CreateSelfSigned(from, to);
        }
        else
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            using var signed = request.Create(issuer, from, to, RandomNumberGenerator.GetBytes(8));
            certificate = signed.CopyWithPrivateKey(key);
        }
        File.WriteAllText($"{folder}/{name}.pem", certificate.ExportCertificatePem());
        File.WriteAllText($"{folder}/{name}.key", key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }
}
