using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Lxc;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Drivers.Oci;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor;

/// <summary>The process that is parent of containers. Started by the daemon as <c>gantry-supervisor --socket-fd N --run-root DIR</c>, and outlives it.</summary>
public static class SupervisorRole
{
    public const string Name = "gantry-supervisor";

    public static int Run(string[] arguments)
    {
        if (!TryParse(arguments, out int socket, out string runRoot))
        {
            Console.Error.WriteLine($"usage: {Name} --socket-fd N --run-root DIRECTORY; it is started by gantryd");
            return 2;
        }
        Prepare();
        var errors = TextWriter.Synchronized(Console.Error);
        void Log(string text) => errors.WriteLine($"{DateTime.UtcNow:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {text}");

        using var loop = new EventLoop("container streams") { OnError = e => Log(e.ToString()) };
        loop.Start();
        string build = typeof(SupervisorRole).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        var drivers = new Dictionary<string, IExecDriver>(StringComparer.Ordinal) { ["native"] = new NativeDriver(runRoot), ["oci"] = new OciDriver(runRoot), ["lxc"] = new LxcDriver() };
        var orphans = new Orphans();
        using var childEnded = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => orphans.Reap());
        var server = new Server(loop, drivers, orphans, build, Log);
        new Thread(server.SendNotices) { IsBackground = true, Name = "notices" }.Start();
        new Thread(() => Accept(new Fd(socket), server, Log)) { IsBackground = true, Name = "accept" }.Start();
        server.Retired.Task.Wait();
        return 0;
    }

    private static bool TryParse(string[] arguments, out int socket, out string runRoot)
    {
        (socket, runRoot) = (-1, "");
        for (int i = 0; i + 1 < arguments.Length; i += 2)
        {
            if (arguments[i] == "--socket-fd" && int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int fd)) socket = fd;
            else if (arguments[i] == "--run-root") runRoot = arguments[i + 1];
            else return false;
        }
        return socket >= 0 && runRoot.Length > 0 && arguments.Length % 2 == 0;
    }

    /// <summary>Orphans of containers come to this process, and nobody but root may look into it: its children share its memory until they exec.</summary>
    private static void Prepare()
    {
        const int setDumpable = 4, setChildSubreaper = 36;
        Syscall.Check(Syscall.Call(SyscallNumber.Prctl, setChildSubreaper, 1), "become a child subreaper");
        Syscall.Check(Syscall.Call(SyscallNumber.Prctl, setDumpable, 0), "become undumpable");
    }

    private static void Accept(Fd listener, Server server, Action<string> log)
    {
        while (true)
        {
            nint accepted = Syscall.CallRestarting(SyscallNumber.Accept4, listener.Number, 0, 0, 0x80000);
            if (accepted < 0)
            {
                log($"accept: {((Errno)(int)-accepted).Describe()}");
                return;
            }
            var channel = new MessageChannel(new Fd((int)accepted));
            new Thread(() => server.Serve(channel)) { IsBackground = true, Name = "daemon connection" }.Start();
        }
    }
}
