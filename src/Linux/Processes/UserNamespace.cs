using System.Globalization;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>A user namespace, held by a descriptor.</summary>
public sealed class UserNamespace : IDisposable
{
    private UserNamespace(Fd handle, IdMapping ids)
    {
        Handle = handle;
        Ids = ids;
    }

    public Fd Handle { get; }

    public IdMapping Ids { get; }

    /// <summary>Who the namespace's root is outside.</summary>
    public uint RootUser => Ids.RootUser;

    public uint RootGroup => Ids.RootGroup;

    /// <summary>Makes one with these mappings. Both must map 0.</summary>
    /// <exception cref="KernelException">The kernel refuses: too many namespaces, or mappings that overlap.</exception>
    public static unsafe UserNamespace Create(IReadOnlyList<IdRange> users, IReadOnlyList<IdRange> groups)
    {
        // The namespace needs a process until somebody holds it; this one waits for a byte.
        using var pipe = Pipe.Create();
        using var program = new ChildProgram();
        program.Call("wait", SyscallNumber.Read, pipe.Read.Number, program.Bytes(new byte[8]), 1);
        program.Call("exit", SyscallNumber.ExitGroup, 0);
        using var child = ChildProcess.StartDetached(program, new ChildOptions { Namespaces = CloneFlags.NewUser });
        try
        {
            Write(child, "uid_map", users);
            Write(child, "gid_map", groups);
            return new UserNamespace(OpenFile.ReadOnly($"/proc/{child.Pid}/ns/user"), new IdMapping(users, groups));
        }
        finally
        {
            byte go = 0;
            Syscall.CallRestarting(SyscallNumber.Write, pipe.Write.Number, (nint)(&go), 1);
            ChildProcess.AwaitEnd(child);
        }
    }

    private static unsafe void Write(PidFd child, string file, IReadOnlyList<IdRange> ranges)
    {
        using var map = OpenFile.Open($"/proc/{child.Pid}/{file}", OpenFlags.WriteOnly);
        byte[] text = System.Text.Encoding.ASCII.GetBytes(string.Join('\n', ranges) + "\n");
        fixed (byte* p = text) Syscall.Check(Syscall.Call(SyscallNumber.Write, map.Number, (nint)p, text.Length), $"write {file} of a user namespace");
    }

    public void Dispose() => Handle.Dispose();
}
