using System.Globalization;
using System.Net.Sockets;
using Gantry.Daemon.Options;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Api.Listening;

/// <summary>Sockets that the service manager bound and passed on (sd_listen_fds(3)): descriptors from 3 on, as many as <c>LISTEN_FDS</c> says.</summary>
internal static class InheritedSockets
{
    private const int First = 3;

    /// <summary>Takes over those that an <c>fd://</c> address means: all of them, one by number (<c>fd://3</c>), or those of a name (<c>fd://gantry.socket</c>).</summary>
    public static IReadOnlyList<BoundSocket> Take(HostAddress address)
    {
        if (Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            || count == 0)
            throw new OptionsException("no sockets found via socket activation: make sure the service was started by systemd");

        string[] names = (Environment.GetEnvironmentVariable("LISTEN_FDNAMES") ?? "").Split(':');
        string wanted = address.Target is "*" ? "" : address.Target;
        var taken = new List<BoundSocket>();
        for (int i = 0; i < count; i++)
        {
            string number = (First + i).ToString(CultureInfo.InvariantCulture);
            if (wanted.Length == 0 || wanted == number || (i < names.Length && names[i] == wanted))
                taken.Add(new BoundSocket(address, new Socket(new SafeSocketHandle(CloseOnExec(First + i), ownsHandle: true))));
        }
        return taken.Count > 0 ? taken : throw new OptionsException($"failed to find socket activated fd {wanted}: {count.ToString(CultureInfo.InvariantCulture)} were passed");
    }

    /// <summary>The same socket under a number that no child program gets to see.</summary>
    private static int CloseOnExec(int descriptor)
    {
        using var passed = new Fd(descriptor);
        return passed.Duplicate(First).Release();
    }
}
