using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Mounts;

/// <summary>A file system being configured (fsopen(2)). Its errors carry what the file system itself says, where it says anything.</summary>
internal sealed unsafe class FileSystemContext : IDisposable
{
    private const int SetFlagCommand = 0, SetStringCommand = 1, CreateCommand = 6, CloseOnExec = 1;
    private readonly string type;
    private readonly Fd context;

    private FileSystemContext(string type, Fd context)
    {
        this.type = type;
        this.context = context;
    }

    public static FileSystemContext Open(string type)
    {
        using var name = new CString(type, stackalloc byte[64]);
        fixed (byte* p = name)
            return new FileSystemContext(type, new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.Fsopen, (nint)p, CloseOnExec), $"fsopen {type}")));
    }

    public void SetString(string key, string value)
    {
        using var k = new CString(key, stackalloc byte[64]);
        using var v = new CString(value, stackalloc byte[512]);
        fixed (byte* keyAt = k)
        fixed (byte* valueAt = v)
            Check(Syscall.Call(SyscallNumber.Fsconfig, context.Number, SetStringCommand, (nint)keyAt, (nint)valueAt, 0), $"{key}={value}");
    }

    public void SetFlag(string key)
    {
        using var k = new CString(key, stackalloc byte[64]);
        fixed (byte* keyAt = k) Check(Syscall.Call(SyscallNumber.Fsconfig, context.Number, SetFlagCommand, (nint)keyAt, 0, 0), key);
    }

    public int Mount(MountAttributes attributes)
    {
        Check(Syscall.Call(SyscallNumber.Fsconfig, context.Number, CreateCommand, 0, 0, 0), null);
        return (int)Check(Syscall.Call(SyscallNumber.Fsmount, context.Number, CloseOnExec, (nint)attributes), null);
    }

    private nint Check(nint result, string? option)
    {
        if (result >= 0) return result;
        string step = option is null ? $"mount {type}" : $"mount {type}, option {option}";
        if (Message() is { } message) step += $" ({message})";
        return Syscall.Check(result, step);
    }

    /// <summary>The context's message queue: one line a read, <c>e overlay: No such directory</c>.</summary>
    private string? Message()
    {
        Span<byte> line = stackalloc byte[512];
        fixed (byte* p = line)
        {
            nint length = Syscall.Call(SyscallNumber.Read, context.Number, (nint)p, line.Length);
            return length > 2 ? Encoding.UTF8.GetString(line[2..(int)length]).TrimEnd('\n') : null;
        }
    }

    public void Dispose() => context.Dispose();
}
