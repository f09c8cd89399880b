using System.Diagnostics;
using System.Globalization;
using Tmds.DBus.Protocol;

namespace Gantry.Supervisor.Systemd;

/// <summary>Asks systemd for units (org.freedesktop.systemd1(5)), over its own socket, as systemctl does, or where that is not to be had over the system's bus.</summary>
public static class SystemdManager
{
    private const string Service = "org.freedesktop.systemd1", Path = "/org/freedesktop/systemd1", Interface = "org.freedesktop.systemd1.Manager";
    private const string BusSocket = "/run/dbus/system_bus_socket", PrivateSocket = "/run/systemd/private";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>systemd manages this machine (sd_booted(3)).</summary>
    public static bool IsRunning => Directory.Exists("/run/systemd/system");

    /// <summary>Makes a scope around a process. It is handed over with all controllers, has no limits of its own, and ends with its last process.</summary>
    /// <param name="unit"><c>gantry-4f2a.scope</c>.</param>
    /// <param name="slice">Where it is to lie; made when it is not there.</param>
    /// <param name="description">For <c>systemctl status</c>.</param>
    /// <param name="processId">A process that is in the scope when this is done.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="SystemdException">systemd is not there, or refuses; or the process was not moved within ten seconds.</exception>
    public static async Task StartScopeAsync(string unit, string slice, string description, int processId, CancellationToken cancellation)
    {
        try
        {
            using var connection = await ConnectAsync(cancellation).ConfigureAwait(false);
            await connection.CallMethodAsync(StartTransientUnit(connection, unit, slice, description, (uint)processId)).WaitAsync(Limit, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is DBusExceptionBase or TimeoutException)
        {
            throw new SystemdException($"systemd does not start {unit} in {slice}: {e.Message}", e);
        }
        await WaitForMoveAsync(unit, processId, cancellation).ConfigureAwait(false);
    }

    private static async Task<DBusConnection> ConnectAsync(CancellationToken cancellation)
    {
        string socket = File.Exists(PrivateSocket) ? PrivateSocket : BusSocket;
        if (!File.Exists(socket)) throw new SystemdException("systemd does not manage this machine: neither " + PrivateSocket + " nor " + BusSocket + " is there; run the engine with --exec-opt native.cgroupdriver=cgroupfs");
        var connection = new DBusConnection("unix:path=" + socket);
        try
        {
            await connection.ConnectAsync().AsTask().WaitAsync(Limit, cancellation).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            throw new SystemdException($"systemd cannot be reached at {socket}: {e.Message}", e);
        }
    }

    private static MessageBuffer StartTransientUnit(DBusConnection connection, string unit, string slice, string description, uint processId)
    {
        using var writer = connection.GetMessageWriter();
        // StartTransientUnit(in s name, in s mode, in a(sv) properties, in a(sa(sv)) aux, out o job)
        writer.WriteMethodCallHeader(destination: Service, path: Path, @interface: Interface, member: "StartTransientUnit", signature: "ssa(sv)a(sa(sv))");
        writer.WriteString(unit);
        writer.WriteString("fail");
        (string Name, VariantValue Value)[] properties =
        [
            ("Description", description),
            ("Slice", slice),
            ("PIDs", VariantValue.Array(new uint[] { processId })),
            ("Delegate", true),
            ("CPUAccounting", true),
            ("IOAccounting", true),
            ("MemoryAccounting", true),
            ("TasksAccounting", true),
            ("TasksMax", ulong.MaxValue),
            // The engine's own stop ends containers, each in its time: the machine's shutdown must not be quicker.
            ("DefaultDependencies", false),
            // As long as a container is given: a first process often does not listen to SIGTERM, and a stop of the scope would wait for 90 seconds.
            ("TimeoutStopUSec", 10_000_000UL),
            ("CollectMode", "inactive-or-failed"),
        ];
        var array = writer.WriteArrayStart(DBusType.Struct);
        foreach (var (name, value) in properties)
        {
            writer.WriteStructureStart();
            writer.WriteString(name);
            writer.WriteVariant(value);
        }
        writer.WriteArrayEnd(array);
        writer.WriteArrayEnd(writer.WriteArrayStart(DBusType.Struct));
        return writer.CreateMessage();
    }

    /// <summary>The answer only says that a job is queued; that the process has moved can be seen.</summary>
    private static async Task WaitForMoveAsync(string unit, int processId, CancellationToken cancellation)
    {
        string groups = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/cgroup");
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; ; round++)
        {
            foreach (string line in await File.ReadAllLinesAsync(groups, cancellation).ConfigureAwait(false))
            {
                if (line.EndsWith("/" + unit, StringComparison.Ordinal)) return;
            }
            if (Stopwatch.GetElapsedTime(start) > Limit) throw new SystemdException($"systemd has not started {unit} within {Limit.TotalSeconds:0} seconds: see systemctl status {unit}");
            await Task.Delay(Math.Min(1 << round, 50), cancellation).ConfigureAwait(false);
        }
    }
}
