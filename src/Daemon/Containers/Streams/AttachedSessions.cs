using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers.Streams;

/// <summary>The clients that are connected to one process, so that they can be given to another supervisor when theirs dies.</summary>
internal sealed class AttachedSessions
{
    private readonly List<(StreamSession Session, AttachedClient Wanted)> sessions = [];

    public void Add(StreamSession session, AttachedClient wanted)
    {
        lock (sessions) sessions.Add((session, wanted));
    }

    public void Remove(StreamSession session)
    {
        lock (sessions) sessions.RemoveAll(s => s.Session == session);
    }

    public IReadOnlyList<(StreamSession Session, AttachedClient Wanted)> All
    {
        get
        {
            lock (sessions) return [.. sessions];
        }
    }
}
