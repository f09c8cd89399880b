using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Supervisor.Systemd;

/// <summary>
/// An engine's share of systemd's slices: one scope in each slice, handed over to the engine, which makes the groups of containers in it itself
/// (systemd, "Control Group APIs and Delegation"). systemd is asked once for a slice, and not for each container.
/// </summary>
/// <remarks>A scope lives as long as a process is in it. So that it outlives its containers one process sleeps in it, in a group of its own beside theirs.</remarks>
public sealed class DelegatedScopes : IDisposable
{
    private const string KeeperGroup = "keeper", Prefix = "gantry-", Suffix = ".scope";

    private readonly CgroupfsDriver cgroups;
    private readonly CgroupHierarchy hierarchy;
    private readonly string owner;
    private readonly ConcurrentDictionary<string, SemaphoreSlim> gates = new(StringComparer.Ordinal);

    /// <param name="engine">What tells this engine from others on the machine: its directory for run-time state.</param>
    public DelegatedScopes(string engine)
    {
        cgroups = new CgroupfsDriver(CgroupLayout.Detect());
        hierarchy = cgroups.Layout.Hierarchies.FirstOrDefault(h => h.Unified)
            ?? cgroups.Layout.Hierarchies.FirstOrDefault(h => h.Name == "systemd")
            ?? throw new SystemdException("no hierarchy of control groups is systemd's own: neither cgroup v2 nor name=systemd is mounted");
        owner = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(engine)))[..8];
    }

    /// <summary>The engine's scope in a slice: <c>gantry-1f2e3d4c-web.scope</c> in <c>web.slice</c>.</summary>
    public string UnitOf(string slice) => $"{Prefix}{owner}-{(slice == "-.slice" ? "root" : slice[..^".slice".Length])}{Suffix}";

    /// <summary>Where containers of a slice have their groups: <c>/web.slice/gantry-1f2e3d4c-web.scope</c>.</summary>
    public string PathOf(string slice) => $"{SliceName.PathOf(slice)}/{UnitOf(slice)}";

    /// <summary>Has the scope made when it is not there.</summary>
    /// <exception cref="SystemdException">systemd does not make it.</exception>
    public async Task EnsureAsync(string slice, CancellationToken cancellation)
    {
        if (IsKept(slice)) return;
        var gate = gates.GetOrAdd(slice, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!IsKept(slice)) await MakeAsync(slice, cancellation).ConfigureAwait(false);
        }
        finally
        {
            gate.Release();
        }
    }

    private bool IsKept(string slice) => cgroups.Open(KeeperOf(slice)).Processes().Count > 0;

    private string KeeperOf(string slice) => $"{PathOf(slice)}/{KeeperGroup}";

    private async Task MakeAsync(string slice, CancellationToken cancellation)
    {
        using var keeper = new Keeper();
        if (!TryJoin(slice, keeper.Pid))
        {
            await SystemdManager.StartScopeAsync(UnitOf(slice), slice, "Containers of a Gantry engine", keeper.Pid, cancellation).ConfigureAwait(false);
            if (!TryJoin(slice, keeper.Pid)) throw new SystemdException($"the scope {UnitOf(slice)} was there and is gone again: see systemctl status {UnitOf(slice)}");
        }
        keeper.Leave();
    }

    /// <summary>Puts the process into its group in the scope. A group that holds processes cannot hand controllers down (cgroups(7)): the scope itself must be free of them.</summary>
    private bool TryJoin(string slice, int processId)
    {
        string scope = hierarchy.MountPoint + PathOf(slice);
        if (!Directory.Exists(scope)) return false;
        try
        {
            Directory.CreateDirectory($"{scope}/{KeeperGroup}");
            File.WriteAllText($"{scope}/{KeeperGroup}/cgroup.procs", processId.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return true;
        }
        catch (IOException)
        {
            return false;   // its last process has just ended, and it with it
        }
    }

    /// <summary>Lets go of the scopes in which no container is left; systemd removes them.</summary>
    public void Release()
    {
        foreach (string scope in Find(""))
        {
            string keeper = $"{scope}/{KeeperGroup}";
            if (cgroups.Open(scope).Processes().Except(cgroups.Open(keeper).Processes()).Any()) continue;
            foreach (int pid in cgroups.Open(keeper).Processes()) End(pid);
        }
    }

    private static void End(int pid)
    {
        try
        {
            using var process = PidFd.Open(pid);
            process.Signal(9);
            process.Wait();
        }
        catch (KernelException e) when (e.Errno is Errno.ESRCH or Errno.ECHILD)
        {
            // It has ended, or it is the child of an earlier daemon.
        }
    }

    /// <summary>The engine's scopes below a slice.</summary>
    private IEnumerable<string> Find(string slice)
    {
        foreach (string directory in Directory.EnumerateDirectories(hierarchy.MountPoint + slice))
        {
            string name = Path.GetFileName(directory);
            if (name.EndsWith(".slice", StringComparison.Ordinal))
            {
                foreach (string scope in Find($"{slice}/{name}")) yield return scope;
            }
            else if (name.StartsWith($"{Prefix}{owner}-", StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            {
                yield return $"{slice}/{name}";
            }
        }
    }

    public void Dispose() => cgroups.Dispose();
}
