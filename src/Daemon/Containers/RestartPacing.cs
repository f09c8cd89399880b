using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>When a container is started again after its process has ended (reference 5.1). Used under the container's gate.</summary>
internal sealed class RestartPacing
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100), LongestWait = TimeSpan.FromMinutes(1), StableRun = TimeSpan.FromSeconds(10);
    private TimeSpan wait;

    /// <summary>Automatic restarts since a user last started it.</summary>
    public int Count { get; private set; }

    /// <summary>Somebody stopped the container: no restart until the next start.</summary>
    public bool Cancelled { get; private set; }

    /// <summary>Ends a wait that is under way.</summary>
    public CancellationTokenSource? Waiting { get; set; }

    /// <summary>A user starts it: everything begins anew.</summary>
    public void Reset()
    {
        Count = 0;
        wait = TimeSpan.Zero;
        Cancelled = false;
    }

    /// <summary>A daemon before has restarted it so often already.</summary>
    public void GoOn(int count) => Count = count;

    public void Cancel()
    {
        Cancelled = true;
        Waiting?.Cancel();
    }

    /// <summary>The wait before the next start, or null for none.</summary>
    /// <param name="ran">How long the process ran.</param>
    /// <param name="stoppedByUser">Kept over a restart of the daemon; <c>unless-stopped</c> looks at it.</param>
    public TimeSpan? Next(RestartPolicy policy, int exitCode, TimeSpan ran, bool stoppedByUser)
    {
        if (Cancelled) return null;
        bool again = policy.Name switch
        {
            "always" => true,
            "unless-stopped" => !stoppedByUser,
            "on-failure" => exitCode != 0 && (policy.MaximumRetryCount == 0 || Count < policy.MaximumRetryCount),
            _ => false,
        };
        if (!again) return null;
        if (wait == TimeSpan.Zero || ran >= StableRun) wait = FirstWait;
        else wait = wait * 2 > LongestWait ? LongestWait : wait * 2;
        Count++;
        return wait;
    }
}
