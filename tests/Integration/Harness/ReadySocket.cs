using System.Net.Sockets;
using System.Text;

namespace Gantry.Integration.Harness;

/// <summary>The service manager's end of sd_notify(3): the daemon tells it when it is ready.</summary>
internal sealed class ReadySocket : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public ReadySocket(string path)
    {
        File.Delete(path);
        Path = path;
        socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    public string Path { get; }

    /// <summary>Waits for a message that has a line.</summary>
    public async Task WaitForAsync(string line, CancellationToken cancellation)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            int length = await socket.ReceiveAsync(buffer, cancellation);
            if (Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Contains(line)) return;
        }
    }

    public void Dispose() => socket.Dispose();
}
