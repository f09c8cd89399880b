using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Polling;

/// <summary>What a descriptor is ready for (epoll_ctl(2)).</summary>
[Flags]
public enum Readiness : uint
{
    None = 0,
    Readable = 0x001,
    Writable = 0x004,
    Error = 0x008,
    HangUp = 0x010,
    PeerClosed = 0x2000,
}

/// <summary>One thread that waits on many descriptors with epoll(7) and calls the handler of each that is ready.</summary>
/// <remarks>Handlers run on the loop's thread and must not block. Other threads bring work in with <see cref="Post"/>.</remarks>
public sealed unsafe class EventLoop : IDisposable
{
    private readonly Fd epoll;
    private readonly Fd wake;
    private readonly ConcurrentQueue<Action> posted = new();
    private readonly Dictionary<int, Watch> watches = [];
    private readonly Thread thread;
    private int nextKey = 1;
    private int wakePending;
    private volatile bool stopping;

    public EventLoop(string name)
    {
        const int closeOnExec = 0x80000, nonBlocking = 0x800;
        epoll = new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.EpollCreate1, closeOnExec), "epoll_create1"));
        wake = new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.Eventfd2, 0, closeOnExec | nonBlocking), "eventfd"));
        Control(1, wake.Number, Readiness.Readable, key: 0);
        thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>Called when a handler throws; the loop goes on.</summary>
    public Action<Exception>? OnError { get; init; }

    public void Start() => thread.Start();

    public bool IsLoopThread => Environment.CurrentManagedThreadId == thread.ManagedThreadId;

    /// <summary>Runs an action on the loop's thread, after those that were posted before.</summary>
    public void Post(Action action)
    {
        posted.Enqueue(action);
        if (Interlocked.Exchange(ref wakePending, 1) != 0) return;
        ulong one = 1;
        Syscall.Fast(SyscallNumber.Write, wake.Number, (nint)(&one), sizeof(ulong));
    }

    /// <summary>Starts watching a descriptor. On the loop's thread only.</summary>
    public Watch Add(Fd fd, Readiness interest, Action<Readiness> handler)
    {
        var watch = new Watch(this, fd.Number, nextKey++, handler) { Interest = interest };
        watches.Add(watch.Key, watch);
        Control(1, watch.Descriptor, interest, watch.Key);
        return watch;
    }

    private void Control(int operation, int fd, Readiness interest, int key)
    {
        var packed = new EpollEvent { Events = (uint)interest, Data = (ulong)key };
        Syscall.Check(Syscall.Fast(SyscallNumber.EpollCtl, epoll.Number, operation, fd, (nint)(&packed)), "epoll_ctl");
    }

    private void Run()
    {
        const int capacity = 64;
        byte* events = stackalloc byte[capacity * EventSize];
        while (!stopping)
        {
            nint count = Syscall.Call(SyscallNumber.EpollPwait, epoll.Number, (nint)events, capacity, -1, 0, 8);
            bool woken = false;
            for (nint i = 0; i < count; i++)
            {
                byte* at = events + i * EventSize;
                int key = (int)*(ulong*)(at + EventSize - sizeof(ulong));
                if (key == 0) woken = true;
                else if (watches.TryGetValue(key, out var watch)) Handle(watch, (Readiness)(*(uint*)at));
            }
            ulong counter;
            // In this order: a wake-up that is written after the flag is taken back must not be read here, or the next post would think it under way.
            if (woken) Syscall.Fast(SyscallNumber.Read, wake.Number, (nint)(&counter), sizeof(ulong));
            if (Interlocked.Exchange(ref wakePending, 0) == 0) continue;
            while (posted.TryDequeue(out var action)) Perform(action);
        }
    }

    private void Handle(Watch watch, Readiness readiness)
    {
        try
        {
            watch.Handler(readiness);
        }
        catch (Exception e)
        {
            OnError?.Invoke(e);
        }
    }

    private void Perform(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            OnError?.Invoke(e);
        }
    }

    public void Dispose()
    {
        stopping = true;
        Post(static () => { });
        if (thread.ThreadState.HasFlag(ThreadState.Unstarted) || IsLoopThread) return;
        thread.Join();
        epoll.Dispose();
        wake.Dispose();
    }

    /// <summary><c>struct epoll_event</c> is packed on x86-64 only.</summary>
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private struct EpollEvent
    {
        // Written as the kernel of this architecture lays it out.
        private fixed byte raw[16];

        public uint Events
        {
            set
            {
                fixed (byte* p = raw) *(uint*)p = value;
            }
        }

        public ulong Data
        {
            set
            {
                fixed (byte* p = raw) *(ulong*)(p + EventSize - sizeof(ulong)) = value;
            }
        }
    }

    /// <summary>One watched descriptor.</summary>
    public sealed class Watch
    {
        private readonly EventLoop loop;
        private bool removed;

        internal Watch(EventLoop loop, int descriptor, int key, Action<Readiness> handler)
        {
            this.loop = loop;
            Descriptor = descriptor;
            Key = key;
            Handler = handler;
        }

        internal int Descriptor { get; }

        internal int Key { get; }

        internal Action<Readiness> Handler { get; }

        public Readiness Interest { get; internal set; }

        /// <summary>Waits for something else from now on; <see cref="Readiness.None"/> still reports errors and hang-ups.</summary>
        public void Change(Readiness interest)
        {
            if (removed || interest == Interest) return;
            Interest = interest;
            loop.Control(3, Descriptor, interest, Key);
        }

        /// <summary>Stops watching; to be done before the descriptor is closed.</summary>
        public void Remove()
        {
            if (removed) return;
            removed = true;
            loop.watches.Remove(Key);
            loop.Control(2, Descriptor, 0, Key);
        }
    }
}
