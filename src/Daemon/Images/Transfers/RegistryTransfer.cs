using Gantry.Daemon.Images.References;
using Gantry.Daemon.Registries;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Images.Transfers;

/// <summary>Finds the address at which a registry can be spoken to.</summary>
internal static class RegistryTransfer
{
    /// <summary>Runs work with the registry of a name: at its mirrors, by TLS, in plain text, until an address answers.</summary>
    /// <param name="reads">Mirrors count, and what they refuse is asked for elsewhere.</param>
    /// <exception cref="RegistryException">What the last address said.</exception>
    public static async Task<T> RunAsync<T>(
        RegistryAccess access, ImageReference name, AuthConfig credentials, bool reads, Func<RemoteRepository, Task<T>> work, CancellationToken cancellation)
    {
        RegistryException? failure = null;
        bool saidPlain = false;
        foreach (var endpoint in access.Endpoints(name.Domain, mirrors: reads))
        {
            // Credentials are for the registry itself: a mirror of it may be anybody's.
            var session = new RegistrySession(access, endpoint, endpoint.IsMirror ? RegistryCredentials.None : credentials);
            try
            {
                await session.PingAsync(cancellation).ConfigureAwait(false);
                return await work(new RemoteRepository(session, name.Path, writes: !reads)).ConfigureAwait(false);
            }
            catch (RegistryException e) when (e.IsUnreachable || endpoint.IsMirror)
            {
                // Of a registry's own two addresses the plain one's failure is told, whichever was tried first.
                if (!saidPlain) failure = e;
                saidPlain = !endpoint.IsMirror && endpoint.Root.Scheme == Uri.UriSchemeHttp;
            }
        }
        throw failure!;
    }
}
