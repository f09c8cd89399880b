using System.Net;
using System.Net.Sockets;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Registries;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Unit.Registries;

/// <summary>Against a scripted registry on loopback; the exchanges are those that dockerd 28.5 has with one (golden 151).</summary>
public sealed class RegistryLoginTests : IDisposable
{
    private readonly ScriptedRegistry registry = new();
    private readonly RegistryAccess access = new(RegistrySettings.Default);

    private RegistryLogin Login => new(access);

    public void Dispose()
    {
        access.Dispose();
        registry.Dispose();
    }

    private Task<AuthResponse> LoginAsync(string? user = null, string? password = null, string? token = null, string? address = null) =>
        Login.LoginAsync(new AuthConfig { Username = user, Password = password, IdentityToken = token, ServerAddress = address ?? registry.Host }, default);

    private static string Basic(string credentials) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials));

    [Fact]
    public async Task A_registry_that_asks_for_nothing_accepts_anybody()
    {
        registry.Answer = _ => new(200, "{}");
        Assert.Equal(new AuthResponse { IdentityToken = "", Status = "Login Succeeded" }, await LoginAsync("a", "b"));
    }

    [Theory]
    [InlineData("http://{0}")]
    [InlineData("http://{0}/v2/")]
    [InlineData("https://{0}")]
    [InlineData("{0}/some/path")]
    public async Task The_address_may_come_as_a_url_of_any_scheme(string form)
    {
        registry.Answer = _ => new(200, "{}");
        Assert.Equal("Login Succeeded", (await LoginAsync("a", "b", address: string.Format(System.Globalization.CultureInfo.InvariantCulture, form, registry.Host))).Status);
    }

    [Fact]
    public async Task Basic_credentials_are_sent_when_they_are_asked_for()
    {
        registry.Answer = r => r.Authorization == Basic("u:p") ? new(200, "{}") : new(401, "", "Basic realm=\"r\"");
        Assert.Equal("Login Succeeded", (await LoginAsync("u", "p")).Status);
        var error = await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "bad"));
        Assert.Equal((ErrorKind.Unauthorized, $"login attempt to http://{registry.Host}/v2/ failed with status: 401 Unauthorized"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Without_credentials_a_registry_that_wants_some_refuses()
    {
        registry.Answer = _ => new(401, "", "Basic realm=\"r\"");
        Assert.Equal($"Get \"http://{registry.Host}/v2/\": no basic auth credentials", (await Assert.ThrowsAsync<EngineException>(() => LoginAsync())).Message);
    }

    [Fact]
    public async Task A_token_is_fetched_with_the_credentials_and_the_identity_token_comes_back()
    {
        registry.Answer = r => r.Path switch
        {
            "/v2/" => r.Authorization == "Bearer good" ? new(200, "{}") : new(401, "", $"Bearer realm=\"http://{registry.Host}/token\",service=\"svc 1\""),
            "/token?account=u&client_id=docker&offline_token=true&service=svc%201" when r.Authorization == Basic("u:p") => new(200, """{"token":"good","refresh_token":"r1"}"""),
            _ => new(401, """{"details":"incorrect username or password"}"""),
        };
        Assert.Equal("r1", (await LoginAsync("u", "p")).IdentityToken);
        var error = await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "bad"));
        Assert.Equal((ErrorKind.Unauthorized, $"Get \"http://{registry.Host}/v2/\": unauthorized: incorrect username or password"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task An_identity_token_is_exchanged()
    {
        registry.Answer = r => r.Path switch
        {
            "/v2/" => r.Authorization == "Bearer good" ? new(200, "{}") : new(401, "", $"Bearer realm=\"http://{registry.Host}/token\",service=\"svc\""),
            "/token" when r.Method == "POST" && r.Body.Contains("refresh_token=r1", StringComparison.Ordinal) => new(200, """{"access_token":"good","refresh_token":"r2"}"""),
            _ => new(401, """{"details":"bad refresh"}"""),
        };
        Assert.Equal("r2", (await LoginAsync(token: "r1")).IdentityToken);
        Assert.Equal(ErrorKind.Unauthorized, (await Assert.ThrowsAsync<EngineException>(() => LoginAsync(token: "xx"))).Kind);
    }

    [Fact]
    public async Task An_authorization_server_without_a_token_is_an_error_of_its_own()
    {
        registry.Answer = r => r.Path == "/v2/" ? new(401, "", $"Bearer realm=\"http://{registry.Host}/token\"") : new(200, "nonsense");
        Assert.EndsWith("authorization server did not include a token in the response", (await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "p"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registry_that_does_not_answer_is_named()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));   // it does not listen, and nobody else can
        string host = nobody.LocalEndPoint!.ToString()!;
        var error = await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "p", address: host));
        Assert.Equal((ErrorKind.System, $"Get \"http://{host}/v2/\": dial tcp {host}: connect: connection refused"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task A_registry_elsewhere_is_never_spoken_to_in_plain_text()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "p", address: "http://registry.invalid:5000"));
        Assert.StartsWith("Get \"https://registry.invalid:5000/v2/\": dial tcp: lookup registry.invalid", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("user@host")]
    [InlineData("host:port:port")]
    public async Task An_address_that_is_none_is_refused(string address) =>
        Assert.StartsWith("unable to parse server address: ", (await Assert.ThrowsAsync<EngineException>(() => LoginAsync("u", "p", address: address))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("127.0.0.1:5000", true)]
    [InlineData("localhost", true)]
    [InlineData("[::1]:5000", true)]
    [InlineData("10.1.2.3:5000", true)]
    [InlineData("listed.test:5000", true)]
    [InlineData("11.1.2.3:5000", false)]
    [InlineData("other.test", false)]
    public void Loopback_and_what_is_listed_is_insecure(string host, bool expected) => Assert.Equal(expected, new InsecureRegistries(["10.0.0.0/8", "listed.test:5000"]).Contains(host));

    [Theory]
    [InlineData("Basic realm=\"r\"", "Basic", "realm=r")]
    [InlineData("Bearer realm=\"https://a.test/token\",service=\"s\",scope=\"x,y\"", "Bearer", "realm=https://a.test/token;scope=x,y;service=s")]
    [InlineData("Bearer realm=plain , service=s", "Bearer", "realm=plain;service=s")]
    [InlineData("Negotiate", "Negotiate", "")]
    public void A_challenge_is_taken_apart(string header, string scheme, string parameters)
    {
        var challenge = AuthChallenge.Parse(header);
        Assert.Equal((scheme, parameters), (challenge.Scheme, string.Join(';', challenge.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"))));
    }
}
