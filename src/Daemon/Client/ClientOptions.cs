using Gantry.Daemon.Options;

namespace Gantry.Daemon.Client;

/// <summary>Which engine the client talks to, and how.</summary>
internal sealed record ClientOptions(HostAddress Host, TlsOptions Tls)
{
    private static readonly FlagShape Debug = new("--debug", true), Version = new("--version", true), Help = new("--help", true), HostFlag = new("--host", false),
        UseTls = new("--tls", true), TlsVerify = new("--tlsverify", true), TlsAuthority = new("--tlscacert", false), TlsCertificate = new("--tlscert", false), TlsKey = new("--tlskey", false);

    private static readonly Dictionary<string, FlagShape> Shapes = new(StringComparer.Ordinal)
    {
        ["-D"] = Debug, ["--debug"] = Debug, ["-v"] = Version, ["--version"] = Version, ["-h"] = Help, ["-help"] = Help, ["--help"] = Help, ["-H"] = HostFlag, ["--host"] = HostFlag,
        ["--tls"] = UseTls, ["--tlsverify"] = TlsVerify, ["--tlscacert"] = TlsAuthority, ["--tlscert"] = TlsCertificate, ["--tlskey"] = TlsKey,
    };

    public bool ShowVersion { get; private init; }

    public bool ShowHelp { get; private init; }

    /// <summary>Reads the flags before the command (reference A4, A9, A11).</summary>
    /// <param name="rest">The command and what follows it.</param>
    /// <exception cref="OptionsException">They cannot be understood.</exception>
    public static ClientOptions Read(IReadOnlyList<string> arguments, Func<string, string?> environment, out IReadOnlyList<string> rest)
    {
        rest = FlagGrammar.Normalise(arguments, Shapes.GetValueOrDefault, out var flags);
        string folder = environment("DOCKER_CERT_PATH") is { Length: > 0 } path ? path : Path.Combine(environment("HOME") ?? "/root", ".docker");
        var tls = new TlsOptions { Authority = Path.Combine(folder, "ca.pem"), Certificate = Path.Combine(folder, "cert.pem"), Key = Path.Combine(folder, "key.pem") };
        var hosts = new List<string>();
        bool version = false, help = false;
        foreach (var (flag, value) in flags)
        {
            if (flag == HostFlag) hosts.Add(value);
            else if (flag == Version) version = value == "true";
            else if (flag == Help) help = value == "true";
            else if (flag == UseTls) tls = tls with { Enabled = value == "true" };
            else if (flag == TlsVerify) tls = tls with { Verify = value == "true", Enabled = tls.Enabled || value == "true" };
            else if (flag == TlsAuthority) tls = tls with { Authority = value };
            else if (flag == TlsCertificate) tls = tls with { Certificate = value };
            else if (flag == TlsKey) tls = tls with { Key = value };
        }
        if (hosts.Count > 1) throw new OptionsException("Please specify only one -H");
        string host = hosts.Count == 1 ? hosts[0] : environment("GANTRY_HOST") is { Length: > 0 } own ? own : environment("DOCKER_HOST") ?? "";
        if (hosts.Count == 0 && environment("DOCKER_TLS_VERIFY") is { Length: > 0 }) tls = tls with { Enabled = true, Verify = true };
        return new ClientOptions(HostAddress.Parse(host), tls) { ShowVersion = version, ShowHelp = help };
    }
}
