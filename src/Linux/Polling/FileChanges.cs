using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Polling;

/// <summary>Tells of changes to files (inotify(7)): one kernel instance serves any number of watchers.</summary>
public sealed unsafe class FileChanges : IDisposable
{
    private const uint Modified = 0x2, AttributesChanged = 0x4, MovedSelf = 0x800, DeletedSelf = 0x400;
    private const int Ignored = 0x8000;

    private readonly EventLoop loop;
    private readonly Fd inotify;
    private readonly Lock gate = new();
    private readonly Dictionary<int, List<Watcher>> watchers = [];

    public FileChanges(EventLoop loop)
    {
        const int closeOnExec = 0x80000, nonBlocking = 0x800;
        this.loop = loop;
        inotify = new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.InotifyInit1, closeOnExec | nonBlocking), "inotify_init1"));
        loop.Post(() => loop.Add(inotify, Readiness.Readable, _ => Read()));
    }

    /// <summary>Watches one file as it is now: a rename does not end it.</summary>
    public Watcher Watch(string path)
    {
        using var name = new CString(path, stackalloc byte[512]);
        lock (gate)
        {
            int key;
            fixed (byte* p = name)
                key = (int)Syscall.Check(Syscall.Call(SyscallNumber.InotifyAddWatch, inotify.Number, (nint)p, (nint)(Modified | AttributesChanged | MovedSelf | DeletedSelf)), $"watch {path}");
            var watcher = new Watcher(this, key);
            if (!watchers.TryGetValue(key, out var list)) watchers[key] = list = [];
            list.Add(watcher);
            return watcher;
        }
    }

    private void Read()
    {
        byte* buffer = stackalloc byte[16 << 10];
        while (true)
        {
            nint count = Syscall.Fast(SyscallNumber.Read, inotify.Number, (nint)buffer, 16 << 10);
            if (count <= 0) return;
            for (nint at = 0; at < count;)
            {
                var change = (Event*)(buffer + at);
                at += sizeof(Event) + (nint)change->NameLength;
                Notify(change->Key, (change->Mask & Ignored) != 0);
            }
        }
    }

    private void Notify(int key, bool gone)
    {
        lock (gate)
        {
            if (!watchers.TryGetValue(key, out var list)) return;
            foreach (var watcher in list) watcher.Signal();
            if (gone) watchers.Remove(key);
        }
    }

    private void Remove(Watcher watcher)
    {
        lock (gate)
        {
            if (!watchers.TryGetValue(watcher.Key, out var list)) return;
            list.Remove(watcher);
            if (list.Count > 0) return;
            watchers.Remove(watcher.Key);
            Syscall.Fast(SyscallNumber.InotifyRmWatch, inotify.Number, watcher.Key);
        }
    }

    public void Dispose() => inotify.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Event
    {
        public int Key;
        public uint Mask, Cookie, NameLength;
    }

    /// <summary>One interest in one file.</summary>
    public sealed class Watcher : IDisposable
    {
        private readonly FileChanges owner;
        private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Watcher(FileChanges owner, int key)
        {
            this.owner = owner;
            Key = key;
        }

        internal int Key { get; }

        internal void Signal() => Volatile.Read(ref changed).TrySetResult();

        /// <summary>Forgets changes so far: to be called before looking at the file, so that none is missed.</summary>
        public Task Arm()
        {
            var current = Volatile.Read(ref changed);
            if (!current.Task.IsCompleted) return current.Task;
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref changed, next);
            return next.Task;
        }

        public void Dispose() => owner.Remove(this);
    }
}
