using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Linux.Sockets;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

internal static unsafe partial class ContainerProgram
{
    private const int TypeCharacter = 0x2000, TypeBlock = 0x6000, TypeFifo = 0x1000;

    /// <summary>Devices that every container has (OCI runtime spec, config-linux "Default Devices"), as (name, major, minor).</summary>
    private static readonly (string Name, int Major, int Minor)[] DefaultDevices =
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

    private static readonly (string Name, string Target)[] DeviceLinks =
        [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"), .. File.Exists("/proc/kcore") ? [("core", "/proc/kcore")] : Array.Empty<(string, string)>()];

    private static void AddDevices(this ChildProgram program, ProgramInput input)
    {
        var spec = input.Spec;
        if (!spec.Mounts.Any(m => m.Destination == "/dev" && m.Type == "tmpfs")) return;   // a /dev that the user brought is the user's
        var dev = program.NewSlot();
        program.OpenInRoot(input.Root, "/dev", PathDirectory, dev);
        foreach (var (name, major, minor) in DefaultDevices)
        {
            if (input.InUserNamespace) program.BindNode(dev, name, "/dev/" + name, "/dev/" + name);
            else program.MakeNode(dev, name, "/dev/" + name, TypeCharacter | 0x1B6, major, minor);
        }
        foreach (var (name, target) in DeviceLinks)
            program.Call($"link /dev/{name}", SyscallNumber.Symlinkat, program.Text(target), dev, program.Text(name)).Tolerate(Errno.EEXIST);
        foreach (var device in spec.Linux.Devices ?? []) program.AddDevice(input, device);
    }

    private static void AddDevice(this ChildProgram program, ProgramInput input, DeviceSpec device)
    {
        int type = device.Type switch
        {
            "c" or "u" => TypeCharacter,
            "b" => TypeBlock,
            "p" => TypeFifo,
            _ => throw new ArgumentException($"device {device.Path}: unknown type '{device.Type}'"),
        };
        string path = "/" + device.Path.Trim('/');
        int slash = path.LastIndexOf('/');
        string parent = slash == 0 ? "/" : path[..slash], name = path[(slash + 1)..];
        var directory = program.MountPoint(input.Root, parent, directory: true);
        if (input.InUserNamespace)
        {
            program.BindNode(directory, name, path, device.HostPath ?? path);
            return;
        }
        program.MakeNode(directory, name, path, type | (int)(device.FileMode ?? 0x1B6), (int)device.Major, (int)device.Minor);
        if (device.Uid is { } uid && device.Gid is { } gid && (uid | gid) != 0)
            program.Call($"set the owner of {path}", SyscallNumber.Fchownat, directory, program.Text(name), (nint)uid, (nint)gid, 0x100 /* AT_SYMLINK_NOFOLLOW */);
    }

    /// <summary>A user namespace's root makes no nodes: the host's are bound.</summary>
    private static void BindNode(this ChildProgram program, ChildProgram.Slot directory, string name, string path, string hostPath)
    {
        var at = program.NewSlot();
        var tree = program.NewSlot();
        program.Call($"make device {path}", SyscallNumber.Mknodat, directory, program.Text(name), 0x8000 | 0x1B6, 0).Tolerate(Errno.EEXIST);
        program.Call($"open device {path}", SyscallNumber.Openat2, directory, program.Text(name), program.How(PathOnly, ResolveBeneath | ResolveNoSymlinks), sizeof(OpenHow)).Into(at);
        program.Call($"open the host's device {hostPath}", SyscallNumber.OpenTree, OpenFile.CurrentDirectory, program.Text(hostPath), CloneTree | (int)OpenFlags.CloseOnExec).Into(tree);
        program.Call($"bind device {path}", SyscallNumber.MoveMount, tree, program.Text(""), at, program.Text(""), FromEmptyPath | ToEmptyPath);
    }

    private static void MakeNode(this ChildProgram program, ChildProgram.Slot directory, string name, string path, int mode, int major, int minor)
    {
        nint number = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
        program.Call($"make device {path}", SyscallNumber.Mknodat, directory, program.Text(name), mode, number).Tolerate(Errno.EEXIST);
    }

    /// <summary>Makes a terminal in the container's own devpts, becomes its session leader, and sends the master to the supervisor.</summary>
    private static void OpenTerminal(this ChildProgram program, ProgramInput input, ProcessSpec process)
    {
        var pts = program.NewSlot();
        program.OpenInRoot(input.Root, "/dev/pts", PathDirectory, pts);
        var slave = program.ConnectTerminal(input.Stdio, process, pts);

        // The slave also is /dev/console: bound by descriptor, so that no path can be raced (CVE-2025-52565).
        // And by no link: with a /dev that the user brought, it might lead to what is masked afterwards.
        var console = program.MountPoint(input.Root, "/dev/console", directory: false, ordinary: true);
        var tree = program.NewSlot();
        program.Call("open /dev/console", SyscallNumber.OpenTree, slave, program.Text(""), CloneTree | EmptyPath | (int)OpenFlags.CloseOnExec).Into(tree);
        program.Call("mount /dev/console", SyscallNumber.MoveMount, tree, program.Text(""), console, program.Text(""), FromEmptyPath | ToEmptyPath);
    }

    /// <param name="pts">The devpts directory in which the terminal is made.</param>
    private static ChildProgram.Slot ConnectTerminal(this ChildProgram program, ProgramStdio stdio, ProcessSpec process, ChildProgram.Slot pts)
    {
        const int setLock = 0x40045431, getPeer = 0x5441, setSize = 0x5414, setControlling = 0x540E;
        const int readWriteTerminal = (int)(OpenFlags.ReadWrite | OpenFlags.NoControllingTerminal | OpenFlags.CloseOnExec);
        var master = program.NewSlot();
        var slave = program.NewSlot();
        program.Call("open /dev/pts/ptmx", SyscallNumber.Openat2, pts, program.Text("ptmx"), program.How(readWriteTerminal, ResolveBeneath | ResolveNoXdev | ResolveNoMagicLinks), sizeof(OpenHow)).Into(master);
        program.Call("unlock the terminal", SyscallNumber.Ioctl, master, setLock, (byte*)program.Structure(0));
        program.Call("open the terminal", SyscallNumber.Ioctl, master, getPeer, readWriteTerminal).Into(slave);
        if (process.ConsoleSize is { Height: > 0, Width: > 0 } size)
            program.Call("set the terminal's size", SyscallNumber.Ioctl, master, setSize, (byte*)program.Structure(new WindowSize { Rows = (ushort)size.Height, Columns = (ushort)size.Width }));
        program.Call("set the terminal's owner", SyscallNumber.Fchown, slave, (nint)process.User.Uid, -1);
        program.SendDescriptor(stdio.ConsoleSocket ?? throw new ArgumentException("a terminal needs a console socket"), master);
        program.Call("take the terminal", SyscallNumber.Ioctl, slave, setControlling, 0);
        for (int i = 0; i < 3; i++) program.Call("connect standard streams", SyscallNumber.Dup3, slave, i, 0);
        return slave;
    }

    /// <summary>sendmsg with one byte and one descriptor. The slot's word is copied into the control message; its upper half falls into padding.</summary>
    private static void SendDescriptor(this ChildProgram program, Fd socket, ChildProgram.Slot descriptor)
    {
        var control = program.Structure(new ControlMessage { Length = 20, Level = 1 /* SOL_SOCKET */, Type = 1 /* SCM_RIGHTS */ });
        byte* data = program.Text("t");
        var vector = program.Structure(new IoVector { Base = data, Length = 1 });
        var message = program.Structure(new MessageHeader { Vectors = vector, VectorCount = 1, Control = control, ControlLength = (nuint)sizeof(ControlMessage) });
        program.Copy(descriptor, (nint*)&control->Descriptor);
        program.Call("send the terminal", SyscallNumber.Sendmsg, socket.Number, (byte*)message, 0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows, Columns, XPixels, YPixels;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlMessage
    {
        public nuint Length;
        public int Level, Type;
        public int Descriptor, Padding;
    }
}
