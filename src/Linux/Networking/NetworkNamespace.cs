using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Networking;

/// <summary>Owns a descriptor of a network namespace (network_namespaces(7)). The namespace lives on while any descriptor, process or socket of it does.</summary>
public sealed class NetworkNamespace(Fd handle) : IDisposable
{
    private const int NewNetwork = 0x40000000;

    /// <summary>For <c>setns</c>, and for moving devices there.</summary>
    public Fd Handle { get; } = handle;

    /// <summary>The namespace of this process's main thread.</summary>
    public static NetworkNamespace Host() => new(OpenFile.ReadOnly("/proc/self/ns/net"));

    /// <summary>The namespace that the calling thread is in: for work that runs in one.</summary>
    public static NetworkNamespace OfThisThread() => new(OpenFile.ReadOnly("/proc/thread-self/ns/net"));

    /// <summary>Makes a new namespace and does some work in it: with nothing but a loopback device that is down.</summary>
    public static Task<(NetworkNamespace Namespace, T Result)> CreateAsync<T>(Func<T> work) => NamespaceThread.Shared.RunAsync(() =>
    {
        Syscall.Check(Syscall.Call(SyscallNumber.Unshare, NewNetwork), "unshare the network namespace");
        var made = OfThisThread();
        try
        {
            return (made, work());
        }
        catch
        {
            made.Dispose();
            throw;
        }
    });

    /// <summary>The same, for a namespace that belongs to a user namespace: whose root may configure it.</summary>
    public static async Task<(NetworkNamespace Namespace, T Result)> CreateAsync<T>(UserNamespace owner, Func<T> work)
    {
        var made = CreateOwned(owner);
        try
        {
            return (made, await made.RunAsync(work).ConfigureAwait(false));
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>A thread of this process cannot enter a user namespace; a child goes there, makes the other, and opens it for this process.</summary>
    private static unsafe NetworkNamespace CreateOwned(UserNamespace owner)
    {
        using var program = new ChildProgram();
        var made = program.NewSlot(-1);
        program.Call("join the user namespace", SyscallNumber.Setns, owner.Handle.Number, (nint)CloneFlags.NewUser);
        program.Call("unshare the network namespace", SyscallNumber.Unshare, NewNetwork);
        program.Call("open the network namespace", SyscallNumber.Openat, OpenFile.CurrentDirectory, program.Text("/proc/self/ns/net"), OpenFile.Native(OpenFlags.ReadOnly | OpenFlags.CloseOnExec), 0).Into(made);
        ChildProcess.Run(program, new ChildOptions { ShareFiles = true, CopyMemory = true });
        return new NetworkNamespace(new Fd((int)made.Value));
    }

    public static async Task<NetworkNamespace> CreateAsync() => (await CreateAsync(() => 0).ConfigureAwait(false)).Namespace;

    /// <summary>Does some work in this namespace, on a thread that afterwards goes back.</summary>
    /// <remarks>
    /// The work is a handful of system calls. It must start no thread and no task: a new thread would be born into the namespace and stay there.
    /// </remarks>
    public Task<T> RunAsync<T>(Func<T> work) => NamespaceThread.Shared.RunAsync(() =>
    {
        Syscall.Check(Syscall.Call(SyscallNumber.Setns, Handle.Number, NewNetwork), "enter a network namespace");
        return work();
    });

    /// <summary>A socket to the routing layer of this namespace.</summary>
    public Task<RouteSocket> OpenRoutesAsync() => RunAsync(static () => new RouteSocket());

    public void Dispose() => Handle.Dispose();
}
