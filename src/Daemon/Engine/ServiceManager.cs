using System.Net.Sockets;
using System.Text;

namespace Gantry.Daemon.Engine;

/// <summary>systemd's notification protocol (sd_notify(3)): one datagram to the socket that <c>NOTIFY_SOCKET</c> names.</summary>
internal static class ServiceManager
{
    public static void NotifyReady() => Notify("READY=1");

    public static void NotifyStopping() => Notify("STOPPING=1");

    private static void Notify(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } address) return;
        if (address[0] == '@') address = '\0' + address[1..];
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(address));
        }
        catch (SocketException)
        {
            // The manager is gone or does not listen: nothing depends on the message.
        }
    }
}
