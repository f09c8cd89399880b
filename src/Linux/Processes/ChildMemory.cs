using System.Collections.Concurrent;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>Memory outside the managed heap for one child program: its steps, and the strings and structures they point to.</summary>
/// <remarks>
/// Mapped shared, so that a child with a copy of the address space still writes its results and its error where the parent can read them. Mappings
/// are pooled: a used one has its pages already.
/// </remarks>
internal sealed unsafe class ChildMemory : IDisposable
{
    private const int Size = 16 << 20, StepsAt = 4096, DataAt = 2 << 20, KeepResident = 1 << 20;
    private static readonly ConcurrentBag<nint> Pool = [];
    private readonly byte* start;
    private int used = DataAt;
    private bool disposed;

    public ChildMemory()
    {
        if (!Pool.TryTake(out nint pooled))
        {
            const int readWrite = 3, sharedAnonymous = 0x21, noReserve = 0x4000;
            pooled = Syscall.Check(Syscall.Call(SyscallNumber.Mmap, 0, Size, readWrite, sharedAnonymous | noReserve, -1), "mmap child program");
        }
        start = (byte*)pooled;
    }

    public static int MaxSteps => (DataAt - StepsAt) / sizeof(ChildStep);

    public ChildContext* Context => (ChildContext*)start;

    public CloneArguments* CloneArguments => (CloneArguments*)(start + 1024);

    public ChildStep* Steps => (ChildStep*)(start + StepsAt);

    /// <summary>Zeroed bytes at a 16-byte boundary.</summary>
    public byte* Allocate(int count)
    {
        used = (used + 15) & ~15;
        if (count < 0 || count > Size - used) throw new KernelException("lay out the child program", Errno.E2BIG);
        byte* at = start + used;
        used += count;
        new Span<byte>(at, count).Clear();
        return at;
    }

    public byte* AllocateText(string text)
    {
        if (text.Contains('\0')) throw new ArgumentException("a path, argument or variable must not contain a NUL character", nameof(text));
        byte* at = Allocate(Encoding.UTF8.GetByteCount(text) + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(at, Size - (int)(at - start)));
        return at;
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        *Context = default;
        if (used - DataAt <= KeepResident && Pool.Count < 16)
        {
            Pool.Add((nint)start);
            return;
        }
        Syscall.Call(SyscallNumber.Munmap, (nint)start, Size);
    }
}
