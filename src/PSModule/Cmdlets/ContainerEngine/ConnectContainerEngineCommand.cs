using System.Management.Automation;
using System.Security.Cryptography.X509Certificates;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Connects to a container engine, and makes it the default of this runspace.</summary>
[Cmdlet(VerbsCommunications.Connect, "ContainerEngine", DefaultParameterSetName = "Uri")]
[OutputType(typeof(EngineSession))]
public sealed class ConnectContainerEngineCommand : AsyncCmdlet
{
    /// <summary>Where it listens: <c>unix:///run/gantry/gantry.sock</c>, a socket's path, <c>tcp://host:2376</c>, <c>host:port</c>. Default: what GANTRY_HOST or DOCKER_HOST says, else the usual sockets.</summary>
    [Parameter(Position = 0, ParameterSetName = "Uri", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Host", "ComputerName")]
    [ValidateNotNullOrEmpty]
    public string? Uri { get; set; }

    /// <summary>The name of a context of the docker CLI.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Context")]
    [ArgumentCompleter(typeof(ContextCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Context { get; set; }

    /// <summary>Our certificate with its private key, for engines that ask for one.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public X509Certificate2? Certificate { get; set; }

    /// <summary>The authorities that are believed, instead of the system's.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public X509Certificate2[]? CertificateAuthority { get; set; }

    /// <summary>A folder with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>.</summary>
    [Parameter(ParameterSetName = "Uri")]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>Use TLS, although neither the address nor a certificate says so.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public SwitchParameter UseTls { get; set; }

    /// <summary>Believe any certificate. Only for tests: whoever is on the way can be the engine.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>What to call the session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Leave the default as it is.</summary>
    [Parameter]
    public SwitchParameter NoDefault { get; set; }

    /// <summary>Most seconds to wait for the engine; 0 is no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; } = 30;

    internal override Task ProcessAsync(CancellationToken cancellation) => SubmitInOrderAsync(
        Uri ?? Context, token => WithinAsync(TimeoutSec, "The connection to the engine", ConnectAsync, token), cancellation);

    private async Task ConnectAsync(CancellationToken cancellation)
    {
        var session = Context is not null ? await ConnectContextAsync(Context, cancellation)
            : Uri is null && !UsesTls ? await SessionConnector.ConnectImplicitAsync(cancellation)
            : await ConnectUriAsync(Uri ?? SessionConnector.EnvironmentHost, cancellation);
        SessionTable.Current.Add(session, !NoDefault);
        WriteVerbose($"Connected to {session.Platform} {session.EngineVersion} at {session.Uri} with API {session.ApiVersion}.");
        WriteObject(session);
    }

    private Task<EngineSession> ConnectContextAsync(string name, CancellationToken cancellation)
    {
        var context = ContextStore.Read(name);
        return SessionConnector.ConnectAsync(EngineAddress.Parse(context.Host, context.Tls is not null), context.Tls, Name ?? name, null, cancellation);
    }

    private Task<EngineSession> ConnectUriAsync(string text, CancellationToken cancellation)
    {
        var tls = UsesTls ? Tls() : SessionConnector.EnvironmentTls(text);
        var address = EngineAddress.Parse(text, tls is not null);
        if (address.Transport != EngineTransport.Tcp) tls = null;
        return SessionConnector.ConnectAsync(address, tls, Name ?? "", null, cancellation);
    }

    private bool UsesTls => Certificate is not null || CertificateAuthority is not null || CertificatePath is not null || UseTls || SkipCertificateCheck;

    private TlsSettings Tls()
    {
        if (CertificatePath is not null) return TlsSettings.FromDirectory(SessionState.Path.GetUnresolvedProviderPathFromPSPath(CertificatePath), SkipCertificateCheck);
        return new TlsSettings
        {
            ClientCertificate = Certificate,
            Authorities = CertificateAuthority is { Length: > 0 } ? new X509Certificate2Collection(CertificateAuthority) : null,
            SkipServerCheck = SkipCertificateCheck,
        };
    }
}
