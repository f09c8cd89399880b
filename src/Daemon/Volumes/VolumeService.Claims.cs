namespace Gantry.Daemon.Volumes;

// Volumes that containers which are being made count on.
public sealed partial class VolumeService
{
    private readonly Dictionary<string, Claim> claims = new(StringComparer.Ordinal);

    private sealed class Claim
    {
        /// <summary>Ids of the containers that are being made, one for each of their mounts.</summary>
        public List<string> Holders { get; } = [];

        /// <summary>Those of them for which the volume is ready: they may use it at any moment.</summary>
        public HashSet<string> Ready { get; } = new(StringComparer.Ordinal);

        /// <summary>Held by the one that looks into the volume or fills it.</summary>
        public SemaphoreSlim Turn { get; } = new(1, 1);
    }

    /// <summary>The volumes that one container counts on while it is made: nobody removes them until this is disposed.</summary>
    internal sealed class Claims(VolumeService service, string container) : IDisposable
    {
        private readonly List<string> names = [];

        public string Container => container;

        public void Add(string name)
        {
            lock (service.gate)
            {
                if (!service.claims.TryGetValue(name, out var claim)) service.claims.Add(name, claim = new Claim());
                claim.Holders.Add(container);
                names.Add(name);
            }
        }

        public void Dispose()
        {
            lock (service.gate)
            {
                foreach (string name in names)
                {
                    var claim = service.claims[name];
                    claim.Holders.Remove(container);
                    claim.Ready.Remove(container);
                    if (claim.Holders.Count == 0) service.claims.Remove(name);
                }
                names.Clear();
            }
        }
    }

    /// <summary>To be disposed once the container is there, or has failed.</summary>
    internal Claims ClaimFor(string container) => new(this, container);

    /// <summary>Ids of the containers that use a volume or are going to. The gate is held.</summary>
    private List<string> HoldersOf(string name) => [.. UsersOf(name).Union(claims.GetValueOrDefault(name)?.Holders ?? [], StringComparer.Ordinal)];
}
