using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>How one system call ended, for callers that expect some errors: a value, or an error number.</summary>
public readonly record struct KernelResult(nint Value)
{
    public bool Succeeded => Value >= 0;

    /// <summary>The error number; 0 after a success.</summary>
    public Errno Errno => Value < 0 ? (Errno)(int)-Value : 0;

    /// <exception cref="KernelException">The call failed.</exception>
    public nint Check(string step) => Syscall.Check(Value, step);

    /// <summary>Like <see cref="Check(string)"/>; the message is put together only when it is needed.</summary>
    public nint Check(string verb, FilePath name) => Value >= 0 ? Value : throw new KernelException($"{verb} {name.ToString()}", Errno);

    public static implicit operator KernelResult(nint value) => new(value);
}
