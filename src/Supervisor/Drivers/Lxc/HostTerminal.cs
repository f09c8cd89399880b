using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>A terminal on the host: LXC stands between it and the container's own.</summary>
internal sealed unsafe class HostTerminal : IDisposable
{
    private const int SetLock = 0x40045431, GetPeer = 0x5441, GetAttributes = 0x5401, SetAttributes = 0x5402, SetLocked = 0x5457;
    private const int TerminalFlags = (int)(OpenFlags.ReadWrite | OpenFlags.NoControllingTerminal | OpenFlags.CloseOnExec);

    private HostTerminal(Fd master, Fd slave)
    {
        Master = master;
        Slave = slave;
    }

    public Fd Master { get; }

    public Fd Slave { get; }

    /// <summary>Makes one that passes everything on unchanged. LXC turns output processing on when it takes a terminal, and every line would end twice: the flags are locked (ioctl_tty(2), TIOCSLCKTRMIOS).</summary>
    public static HostTerminal Create()
    {
        var master = OpenFile.Open("/dev/ptmx", OpenFlags.ReadWrite | OpenFlags.NoControllingTerminal);
        int unlocked = 0;
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, master.Number, SetLock, (nint)(&unlocked)), "unlock the terminal");
        var slave = new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.Ioctl, master.Number, GetPeer, TerminalFlags), "open the terminal"));
        uint* attributes = stackalloc uint[16];   // input, output, control and local flags, then the line discipline and special characters
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, slave.Number, GetAttributes, (nint)attributes), "read the terminal's attributes");
        attributes[0] = attributes[1] = attributes[3] = 0;
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, slave.Number, SetAttributes, (nint)attributes), "set the terminal's attributes");
        uint* locked = stackalloc uint[16];
        new Span<uint>(locked, 16).Clear();
        locked[1] = uint.MaxValue;
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, slave.Number, SetLocked, (nint)locked), "lock the terminal's attributes");
        return new HostTerminal(master, slave);
    }

    public void Dispose()
    {
        Master.Dispose();
        Slave.Dispose();
    }
}
