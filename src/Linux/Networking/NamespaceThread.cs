using System.Collections.Concurrent;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>The one thread that goes into network namespaces, and comes back to the process's own before it tells anyone that it is done.</summary>
/// <remarks>
/// A result is handed over only after the return: handing it over may start a thread of the pool, which would inherit the namespace of the thread that
/// starts it. Should the way back ever fail, the thread ends, and one that was born at home and has waited takes its place.
/// </remarks>
internal sealed class NamespaceThread
{
    private const int NewNetwork = 0x40000000;
    private readonly BlockingCollection<Func<bool>> queue = [];
    private readonly NetworkNamespace host = NetworkNamespace.Host();

    public static NamespaceThread Shared { get; } = new();

    private NamespaceThread() => StartSpare().Set();

    /// <summary>A thread that begins to work when its event is set.</summary>
    private ManualResetEventSlim StartSpare()
    {
        var turn = new ManualResetEventSlim();
        new Thread(() =>
        {
            turn.Wait();
            Run(StartSpare());
        }) { IsBackground = true, Name = "network namespaces" }.Start();
        return turn;
    }

    private void Run(ManualResetEventSlim successor)
    {
        foreach (var job in queue.GetConsumingEnumerable())
        {
            if (job()) continue;
            successor.Set();
            return;
        }
    }

    private bool TryGoHome() => Syscall.Call(SyscallNumber.Setns, host.Handle.Number, NewNetwork) == 0;

    public Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        queue.Add(() =>
        {
            T result = default!;
            Exception? error = null;
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                error = e;
            }
            bool home = TryGoHome();
            if (error is null) done.SetResult(result);
            else done.SetException(error);
            return home;
        });
        return done.Task;
    }
}
