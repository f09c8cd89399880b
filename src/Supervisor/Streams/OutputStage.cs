using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Streams;

/// <summary>A pipe between a process's output and this program. What has left the process is in it until it is dealt with: it is looked at by copy, and taken out last.</summary>
/// <remarks>The daemon holds the pipe too. Whatever moment this program dies in, the bytes are either still in the process's own pipe or in this one (splice(2), tee(2)).</remarks>
internal sealed unsafe class OutputStage : IDisposable
{
    private const int Capacity = 64 << 10, MoveNonBlocking = 1 | 2, NonBlocking = 2, ReadCount = 0x541B;
    [ThreadStatic] private static Pipe? copies;
    private static readonly Fd Nowhere = OpenFile.Open("/dev/null", OpenFlags.WriteOnly);

    private readonly Fd write;

    private OutputStage(Fd read, Fd write)
    {
        Read = read;
        this.write = write;
    }

    public Fd Read { get; }

    public static OutputStage Create()
    {
        var pipe = Pipe.Create(OpenFlags.NonBlocking);
        return new OutputStage(pipe.Read, pipe.Write);
    }

    /// <summary>Of the reading end that another process has made.</summary>
    public static OutputStage Of(Fd read) => new(read, OpenFile.Open($"/proc/self/fd/{read.Number}", OpenFlags.WriteOnly | OpenFlags.NonBlocking));

    /// <summary>Bytes that are in it.</summary>
    public int Available
    {
        get
        {
            int count = 0;
            Syscall.Fast(SyscallNumber.Ioctl, Read.Number, ReadCount, (nint)(&count));
            return count;
        }
    }

    /// <summary>Moves what there is into the empty stage. Bytes moved; 0 at the end of the output; or a negative errno.</summary>
    public nint Fill(Fd source) => Syscall.Call(SyscallNumber.Splice, source.Number, 0, write.Number, 0, Capacity, MoveNonBlocking);

    /// <summary>Copies everything that is in it.</summary>
    public int Peek(byte[] buffer)
    {
        var copy = copies ??= Pipe.Create(OpenFlags.NonBlocking);
        nint there = Syscall.Check(Syscall.CallRestarting(SyscallNumber.Tee, Read.Number, copy.Write.Number, Capacity, NonBlocking), "copy a container's output");
        int length = 0;
        fixed (byte* into = buffer)
        {
            while (length < there) length += (int)Syscall.Check(Syscall.CallRestarting(SyscallNumber.Read, copy.Read.Number, (nint)(into + length), buffer.Length - length), "read a container's output");
        }
        return length;
    }

    /// <summary>Takes bytes out: they are dealt with.</summary>
    public void Consume(int count)
    {
        while (count > 0)
        {
            nint moved = Syscall.CallRestarting(SyscallNumber.Splice, Read.Number, 0, Nowhere.Number, 0, count, MoveNonBlocking);
            if (moved <= 0) break;
            count -= (int)moved;
        }
    }

    public void Dispose()
    {
        Read.Dispose();
        write.Dispose();
    }
}
