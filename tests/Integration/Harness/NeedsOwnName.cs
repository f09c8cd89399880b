namespace Gantry.Integration.Harness;

/// <summary>As <see cref="NeedsFactAttribute"/>, for a test that needs a name of this machine's loopback that is not <c>localhost</c>.</summary>
public sealed class NeedsOwnNameFactAttribute : FactAttribute
{
    public NeedsOwnNameFactAttribute(params string[] programs) =>
        Skip = Programs.Lacks(programs) ?? (Resolves() ? null : $"the machine's name, {Environment.MachineName}, does not lead to 127.0.0.1 (/etc/hosts)");

    private static bool Resolves()
    {
        try
        {
            return Environment.MachineName != "localhost" && System.Net.Dns.GetHostAddresses(Environment.MachineName).Any(a => a.Equals(System.Net.IPAddress.Loopback));
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
