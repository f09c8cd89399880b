using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Registries;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Unit.Registries;

/// <summary>How a registry learns who asks: tokens, their renewal, and where credentials never go.</summary>
public sealed class RegistrySessionTests : IDisposable
{
    private readonly ScriptedRegistry registry = new();
    private readonly RegistryAccess access = new(RegistrySettings.Default);

    public void Dispose()
    {
        access.Dispose();
        registry.Dispose();
    }

    private async Task<RemoteRepository> OpenAsync(AuthConfig credentials, bool writes = false)
    {
        var endpoint = access.Direct(registry.Host).Single(e => e.Root.Scheme == "http");
        var session = new RegistrySession(access, endpoint, credentials);
        await session.PingAsync(default);
        return new RemoteRepository(session, "team/app", writes);
    }

    private static string Basic(string credentials) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials));

    private string Challenge => $"Bearer realm=\"http://{registry.Host}/token\",service=\"svc\"";

    [Fact]
    public async Task A_token_is_fetched_for_the_repository_and_used_again()
    {
        int tokens = 0;
        registry.Answer = r => r.Path switch
        {
            "/token?account=u&client_id=docker&scope=repository%3Ateam%2Fapp%3Apull&service=svc" when r.Authorization == Basic("u:p") => new(200, $$"""{"token":"t{{++tokens}}","expires_in":300}"""),
            _ when r.Authorization == "Bearer t1" => new(200, """{"tags":["a"]}"""),
            _ => new(401, "", Challenge),
        };
        var repository = await OpenAsync(new AuthConfig { Username = "u", Password = "p" });
        Assert.Equal(["a"], await repository.ListTagsAsync(default));
        Assert.Equal(["a"], await repository.ListTagsAsync(default));
        Assert.Equal(1, tokens);
    }

    [Fact]
    public async Task A_token_that_has_run_out_is_fetched_anew()
    {
        int tokens = 0;
        registry.Answer = r => r.Path.StartsWith("/token", StringComparison.Ordinal) ? new(200, $$"""{"token":"t{{++tokens}}","expires_in":300}""")
            : r.Authorization == "Bearer t2" ? new(200, """{"tags":["a"]}""") : new(401, "", Challenge);
        Assert.Equal(["a"], await (await OpenAsync(RegistryCredentials.None)).ListTagsAsync(default));
    }

    [Fact]
    public async Task An_identity_token_is_exchanged_for_the_scope()
    {
        registry.Answer = r => r.Path == "/token" && r.Method == "POST" && r.Body.Contains("refresh_token=r1", StringComparison.Ordinal) && r.Body.Contains("scope=repository%3Ateam%2Fapp%3Apull%2Cpush", StringComparison.Ordinal)
            ? new(200, """{"access_token":"t"}""") : r.Authorization == "Bearer t" ? new(200, """{"tags":[]}""") : new(401, "", Challenge);
        Assert.Empty(await (await OpenAsync(new AuthConfig { IdentityToken = "r1" }, writes: true)).ListTagsAsync(default));
    }

    [Fact]
    public async Task What_the_token_server_refuses_is_told_with_the_request()
    {
        registry.Answer = r => r.Path.StartsWith("/token", StringComparison.Ordinal) ? new(401, """{"details":"incorrect username or password"}""") : new(401, "", Challenge);
        var repository = await OpenAsync(new AuthConfig { Username = "u", Password = "bad" });
        var error = await Assert.ThrowsAsync<RegistryException>(() => repository.FindManifestAsync("1", default));
        Assert.Equal($"Head \"http://{registry.Host}/v2/team/app/manifests/1\": unauthorized: incorrect username or password", error.Message);
        Assert.Equal(ErrorKind.Unauthorized, error.ToEngine().Kind);
    }

    [Fact]
    public async Task A_scope_that_is_too_small_is_a_denial_and_not_asked_for_again()
    {
        registry.Answer = r => r.Path.StartsWith("/token", StringComparison.Ordinal) ? new(200, """{"token":"t"}""")
            : new(401, """{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}""", r.Path == "/v2/" ? Challenge : Challenge + ",error=\"insufficient_scope\"");
        var error = await Assert.ThrowsAsync<RegistryException>(async () => await (await OpenAsync(RegistryCredentials.None)).FindManifestAsync("1", default));
        Assert.Equal(("DENIED", "denied: requested access to the resource is denied"), (error.Code, error.Message));
        Assert.Single(registry.Requests, r => r.Path.StartsWith("/token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_credentials_a_registry_with_passwords_is_not_even_asked()
    {
        registry.Answer = _ => new(401, "", "Basic realm=\"r\"");
        var repository = await OpenAsync(RegistryCredentials.None);
        var error = await Assert.ThrowsAsync<RegistryException>(() => repository.FindManifestAsync("1", default));
        Assert.Equal(($"Head \"http://{registry.Host}/v2/team/app/manifests/1\": no basic auth credentials", "no basic auth credentials"), (error.Message, error.Reason));
        Assert.Empty(registry.Requests);
    }

    [Fact]
    public async Task Credentials_do_not_follow_a_redirect_to_another_host()
    {
        using var elsewhere = new ScriptedRegistry();
        elsewhere.Answer = _ => new(200, "blob");
        registry.Answer = r => r.Authorization == Basic("u:p") ? new Answer(307, "").With("Location", $"http://{elsewhere.Host}/data") : new(401, "", "Basic realm=\"r\"");
        var repository = await OpenAsync(new AuthConfig { Username = "u", Password = "p" });
        var (answer, _) = await repository.OpenBlobAsync("sha256:" + new string('0', 64), 0, default);
        using (answer) Assert.Equal("blob", await answer.Content.ReadAsStringAsync());
        Assert.Null(Assert.Single(elsewhere.Requests).Authorization);
    }

    [Fact]
    public async Task Tags_come_in_pages()
    {
        registry.Answer = r => r.Path switch
        {
            "/v2/" => new(200, "{}"),
            "/v2/team/app/tags/list" => new Answer(200, """{"tags":["a","b"]}""").With("Link", "</v2/team/app/tags/list?last=b>; rel=\"next\""),
            _ => new(200, """{"tags":["c"]}"""),
        };
        Assert.Equal(["a", "b", "c"], await (await OpenAsync(RegistryCredentials.None)).ListTagsAsync(default));
    }

    /// <summary>What a request ends with whose answer never comes. The limit that is not for it never ends.</summary>
    private async Task<RegistryException> FallSilentAsync(bool stores, Func<RemoteRepository, Task> request)
    {
        using var end = new ManualResetEventSlim();
        registry.Answer = _ =>
        {
            end.Wait();
            return new(500, "");
        };
        var (soon, never) = (TimeSpan.FromMilliseconds(50), Timeout.InfiniteTimeSpan);
        using var impatient = new RegistryAccess(new RegistrySettings { SilenceLimit = stores ? never : soon, StoreLimit = stores ? soon : never });
        var endpoint = impatient.Direct(registry.Host).Single(e => e.Root.Scheme == "http");
        try
        {
            return await Assert.ThrowsAsync<RegistryException>(() => request(new RemoteRepository(new RegistrySession(impatient, endpoint, RegistryCredentials.None), "team/app", writes: true)));
        }
        finally
        {
            end.Set();
        }
    }

    [Fact]
    public async Task A_registry_that_falls_silent_before_an_upload_is_not_waited_for()
    {
        var begin = await FallSilentAsync(stores: false, r => r.BeginUploadAsync(default));
        var mount = await FallSilentAsync(stores: false, r => r.MountAsync("sha256:0", "other", default));
        Assert.Equal((true, "context deadline exceeded"), (begin.IsUnreachable, begin.Reason));
        Assert.True(mount.IsUnreachable);
    }

    [Fact]
    public async Task A_registry_that_stores_an_upload_has_longer_and_not_for_ever()
    {
        var complete = await FallSilentAsync(stores: true, r => r.CompleteUploadAsync(new Uri($"http://{registry.Host}/upload"), "sha256:0", null, default));
        var manifest = await FallSilentAsync(stores: true, r => r.WriteManifestAsync("1", [1], "application/json", default));
        Assert.True(complete.IsUnreachable && manifest.IsUnreachable);
    }

    [Theory]
    [InlineData("""{"username":"u","password":"p"}""", "u", "p")]
    [InlineData("""{"auth":"dTpwOnA="}""", "u", "p:p")]
    public void Credentials_come_in_base64_for_urls(string json, string user, string password)
    {
        string header = Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).Replace('+', '-').Replace('/', '_');
        Assert.All((string[])[header, header.TrimEnd('=')], text => Assert.Equal((user, password), (RegistryCredentials.Decode(text).Username, RegistryCredentials.Decode(text).Password)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage!")]
    [InlineData("e30=")]
    [InlineData("bnVsbA==")]
    [InlineData("WzFd")]
    public void What_cannot_be_read_counts_as_no_credentials(string header) => Assert.Null(RegistryCredentials.Decode(header).Username);

    [Theory]
    [InlineData("docker.io", "hub")]
    [InlineData("127.0.0.1:5000", "local")]
    [InlineData("other.test", null)]
    public void A_build_brings_credentials_for_several_registries(string domain, string? user)
    {
        string header = Convert.ToBase64String("""{"https://index.docker.io/v1/":{"username":"hub","password":"p"},"127.0.0.1:5000":{"username":"local","password":"p"},"not a host":{}}"""u8);
        Assert.Equal(user, RegistryCredentials.DecodeFor(header, domain).Username);
    }

    [Fact]
    public void Waits_between_tries_grow_to_half_a_minute() =>
        Assert.Equal([1, 4, 16, 30, 30], Enumerable.Range(1, 5).Select(n => RetryPolicy.Default.Delay(n).TotalSeconds));

    [Fact]
    public async Task The_catalogue_answers_where_there_is_no_search()
    {
        registry.Answer = r => r.Path.Split('?')[0] switch
        {
            "/v2/" => new(200, "{}"),
            "/v2/_catalog" => new(200, """{"repositories":["team/app","team/other","apple"]}"""),
            _ => new(404, "404 page not found"),
        };
        var found = await new RegistrySearch(access).RunAsync(new SearchRequest($"{registry.Host}/app", 25, Filters.None, RegistryCredentials.None), default);
        Assert.Equal([$"{registry.Host}/team/app", $"{registry.Host}/apple"], found.Select(f => f.Name));
    }

    [Fact]
    public async Task Search_results_come_by_their_stars_and_through_the_filters()
    {
        registry.Answer = r => r.Path.Split('?')[0] switch
        {
            "/v1/search" when r.Path.EndsWith("?q=x&n=2", StringComparison.Ordinal) => new(200, """
                {"results":[{"name":"few","star_count":1,"is_official":true},{"name":"most","star_count":9,"is_official":true},{"name":"not","star_count":5}]}
                """),
            _ => new(200, "{}"),
        };
        var filters = Filters.Parse("""{"is-official":["true"]}""", RegistrySearch.FilterKeys);
        var found = await new RegistrySearch(access).RunAsync(new SearchRequest($"{registry.Host}/x", 2, filters, RegistryCredentials.None), default);
        Assert.Equal(["most", "few"], found.Select(f => f.Name));
    }

    [Theory]
    [InlineData("x", 101, "{}", "limit 101 is outside the range of [1, 100]")]
    [InlineData("https://x", 25, "{}", "invalid repository name: repository name (https://x) should not have a scheme")]
    [InlineData("x", 25, """{"stars":["x"]}""", "invalid filter 'stars=x': strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("x", 25, """{"is-official":["x"]}""", "invalid filter 'is-official=[x]'")]
    public async Task A_search_that_makes_no_sense_is_refused(string term, int limit, string filters, string message)
    {
        var request = new SearchRequest(term, limit, Filters.Parse(filters, RegistrySearch.FilterKeys), RegistryCredentials.None);
        var error = await Assert.ThrowsAsync<EngineException>(() => new RegistrySearch(access).RunAsync(request, default));
        Assert.Equal((ErrorKind.InvalidParameter, message), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData(true, true, true, true)]
    [InlineData(false, true, true, false)]
    [InlineData(true, false, true, false)]
    [InlineData(true, true, false, false)]
    [InlineData(false, false, false, false)]
    public async Task Certificates_for_a_registry_come_from_its_folder(bool authority, bool own, bool rightName, bool works)
    {
        using var folder = new TemporaryDirectory();
        using var made = new TestCertificates(rightName ? "registry.test" : "other.test");
        string certificates = Path.Combine(folder.Path, "registry.test:5000");
        Directory.CreateDirectory(certificates);
        if (authority) File.WriteAllText(Path.Combine(certificates, "ca.crt"), made.Authority.ExportCertificatePem());
        if (own)
        {
            File.WriteAllText(Path.Combine(certificates, "client.cert"), made.Client.ExportCertificatePem());
            File.WriteAllText(Path.Combine(certificates, "client.key"), TestCertificates.KeyOf(made.Client));
        }
        var options = RegistryCertificates.Load([folder.Path, "/nowhere"], "registry.test:5000").ToOptions(verify: true);
        options.TargetHost = "registry.test";
        Assert.Equal(works, await HandshakeAsync(made.Server, made.Authority, options));
    }

    [Theory]
    [InlineData("client.cert", "missing key client.key for client certificate client.cert")]
    [InlineData("client.key", "missing client certificate client.cert for key client.key")]
    public void Half_a_pair_of_certificate_and_key_is_refused(string file, string message)
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["host"]);
        File.WriteAllText(Path.Combine(folder["host"], file), "");
        Assert.StartsWith(message, Assert.Throws<EngineException>(() => RegistryCertificates.Load([folder.Path], "host")).Message, StringComparison.Ordinal);
    }

    /// <summary>A server that wants a certificate of the authority, and a client.</summary>
    private static async Task<bool> HandshakeAsync(X509Certificate2 server, X509Certificate2 ca, SslClientAuthenticationOptions options)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptTcpClientAsync();
            using var stream = new SslStream(accepted.GetStream());
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = server, ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Issuer == ca.Subject,
            });
            await stream.WriteAsync("ok"u8.ToArray());
        });
        try
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
            using var stream = new SslStream(connection.GetStream());
            await stream.AuthenticateAsClientAsync(options);
            byte[] two = new byte[2];
            await stream.ReadExactlyAsync(two);
            await serving;
            return true;
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
    }
}
