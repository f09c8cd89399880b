namespace Gantry.Linux.Kernel;

/// <summary>The two ends of a pipe, closed on exec.</summary>
public sealed class Pipe : IDisposable
{
    private Pipe(Fd read, Fd write)
    {
        Read = read;
        Write = write;
    }

    public Fd Read { get; }

    public Fd Write { get; }

    public static unsafe Pipe Create(OpenFlags flags = 0)
    {
        int* ends = stackalloc int[2];
        Syscall.Check(Syscall.Fast(SyscallNumber.Pipe2, (nint)ends, (nint)(flags | OpenFlags.CloseOnExec)), "pipe2");
        return new Pipe(new Fd(ends[0]), new Fd(ends[1]));
    }

    public void Dispose()
    {
        Read.Dispose();
        Write.Dispose();
    }
}
