using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Options;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api.Listening;

/// <summary>Binds the addresses of an engine (reference A21).</summary>
internal static class SocketBinder
{
    private const int Backlog = 512;

    /// <summary>Binds all of them or none.</summary>
    /// <exception cref="OptionsException">One cannot be bound; the message names it.</exception>
    public static IReadOnlyList<BoundSocket> Bind(DaemonOptions options, ILogger log)
    {
        var bound = new List<BoundSocket>();
        try
        {
            foreach (var address in options.Hosts)
            {
                switch (address.Kind)
                {
                    case HostKind.Unix:
                        bound.Add(BindUnix(address, options, log));
                        break;
                    case HostKind.Tcp:
                        bound.AddRange(BindTcp(address, options, log));
                        break;
                    default:
                        bound.AddRange(InheritedSockets.Take(address));
                        break;
                }
            }
            return bound;
        }
        catch
        {
            bound.ForEach(b => b.Dispose());
            throw;
        }
    }

    private static BoundSocket BindUnix(HostAddress address, DaemonOptions options, ILogger log)
    {
        string path = address.Target;
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Nobody can connect before listen(): until then owner and mode are put right. A umask would be the whole process's.
            socket.Bind(new UnixDomainSocketEndPoint(path));
            ChangeGroup(path, options, log);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
            socket.Listen(Backlog);
            return new BoundSocket(address, socket);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or KernelException or IOException)
        {
            socket.Dispose();
            throw new OptionsException($"can't create unix socket {path}: {e.Message}");
        }
    }

    /// <summary>Removes the file that a dead engine left. One on which somebody listens stays, and is an error.</summary>
    private static void RemoveStale(string path)
    {
        var found = new FileInfo(path);
        if (!found.Exists) return;
        if (found.Length > 0) throw new OptionsException($"can't create unix socket {path}: there is a file of that name");   // a socket's length is 0
        using (var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(path));
                throw new OptionsException($"can't create unix socket {path}: another process listens on it");
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
            {
                // Nobody holds it.
            }
            catch (SocketException e)
            {
                throw new OptionsException($"can't create unix socket {path}: {e.Message}");
            }
        }
        File.Delete(path);
    }

    private static void ChangeGroup(string path, DaemonOptions options, ILogger log)
    {
        if (options.SocketGroup.Length == 0) return;
        if (GroupId(options.SocketGroup) is { } id) Ownership.Change(path, -1, id);
        else if (options.SocketGroupIsDefault) ApiLog.NoDefaultGroup(log, options.SocketGroup);
        else throw new OptionsException($"can't create unix socket {path}: group {options.SocketGroup} not found");
    }

    /// <summary>A group by name, from the host's own file, or by number.</summary>
    private static int? GroupId(string group)
    {
        if (File.Exists("/etc/group"))
        {
            foreach (string line in File.ReadLines("/etc/group"))
            {
                string[] fields = line.Split(':');
                if (fields.Length >= 3 && fields[0] == group && int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out int id)) return id;
            }
        }
        return int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    private static IEnumerable<BoundSocket> BindTcp(HostAddress address, DaemonOptions options, ILogger log)
    {
        if (!options.Tls.Verify && !address.IsLoopback) ApiLog.OpenToNetwork(log, address.ToString());
        IPAddress[] targets;
        try
        {
            targets = IPAddress.TryParse(address.Target, out var single) ? [single] : Dns.GetHostAddresses(address.Target);
        }
        catch (SocketException e)
        {
            throw new OptionsException($"can't listen on {address}: {e.Message}");
        }
        var bound = new List<BoundSocket>();
        foreach (var target in targets)
        {
            var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(target, address.Port));
                socket.Listen(Backlog);
                bound.Add(new BoundSocket(address, socket));
            }
            catch (SocketException e)
            {
                socket.Dispose();
                bound.ForEach(b => b.Dispose());
                throw new OptionsException($"can't listen on {address}: {e.Message}");
            }
        }
        return bound;
    }
}
