using Gantry.Protocol.Networks;

namespace Gantry.PowerShell.Client;

/// <summary>The network routes.</summary>
internal sealed partial class EngineClient
{
    public Task<List<NetworkResource>> ListNetworksAsync(CancellationToken cancellation) => GetAsync<List<NetworkResource>>("/networks", null, cancellation);
}
