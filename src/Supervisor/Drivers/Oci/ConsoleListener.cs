using System.Globalization;
using Gantry.Linux.Kernel;
using Gantry.Linux.Sockets;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>A socket to which a runtime sends the master of the terminal that it has made (<c>--console-socket</c>).</summary>
/// <remarks>Its path goes through this process's descriptor of the directory, so that it is short enough however deep the directory lies.</remarks>
internal sealed class ConsoleListener : IDisposable
{
    private readonly Fd directory;
    private readonly Fd listener;
    private readonly string file;

    public ConsoleListener(string directoryPath, string name)
    {
        directory = OpenFile.Open(directoryPath, OpenFlags.PathOnly | OpenFlags.Directory);
        file = System.IO.Path.Combine(directoryPath, name);
        File.Delete(file);
        Path = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{directory.Number}/{name}");
        listener = UnixListener.Bind(Path, backlog: 1);
    }

    /// <summary>The path for the runtime.</summary>
    public string Path { get; }

    /// <summary>After the runtime has ended well: passes on the terminal that it has sent.</summary>
    /// <exception cref="DriverException">It has sent none.</exception>
    public void Forward(Fd to, ConsoleSize? size)
    {
        using var master = Receive();
        if (size is { Height: > 0, Width: > 0 }) SetSize(master, size);
        Forward(to, master);
    }

    public static void Forward(Fd to, Fd master)
    {
        using var socket = new MessageSocket(to.Duplicate());
        socket.Send("t"u8, [master.Number]);
    }

    public static unsafe void SetSize(Fd terminal, ConsoleSize size)
    {
        const int setWindowSize = 0x5414;
        ushort* rows = stackalloc ushort[4];
        rows[0] = (ushort)size.Height;
        rows[1] = (ushort)size.Width;
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, terminal.Number, setWindowSize, (nint)rows), "set the terminal's size");
    }

    private Fd Receive()
    {
        const int nonBlocking = 0x800, closeOnExec = 0x80000;
        nint accepted = Syscall.CallRestarting(SyscallNumber.Fcntl, listener.Number, 4 /* F_SETFL */, nonBlocking);
        Syscall.Check(accepted, "listen for the terminal");
        accepted = Syscall.CallRestarting(SyscallNumber.Accept4, listener.Number, 0, 0, closeOnExec);
        if (accepted < 0) throw Missing();
        using var socket = new MessageSocket(new Fd((int)accepted));
        var received = new Queue<Fd>();
        Span<byte> name = stackalloc byte[4096];
        socket.Receive(name, received);
        return received.TryDequeue(out var master) ? master : throw Missing();
    }

    private static DriverException Missing() => new(new Failure { Message = "the runtime did not send the container's terminal" });

    public void Dispose()
    {
        listener.Dispose();
        directory.Dispose();
        File.Delete(file);
    }
}
