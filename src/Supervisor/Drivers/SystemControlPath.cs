namespace Gantry.Supervisor.Drivers;

/// <summary>The file below <c>/proc/sys</c> that a system control's name stands for, as sysctl(8) reads it.</summary>
internal static class SystemControlPath
{
    /// <summary>The first separator decides: after a dot, dots separate and a slash is a dot in a name (<c>net.ipv4.conf.eth0/1.mtu</c>); after a slash the name is the path.</summary>
    public static string Of(string name)
    {
        int separator = name.AsSpan().IndexOfAny('.', '/');
        return separator < 0 || name[separator] == '/' ? name : string.Create(name.Length, name, (path, text) =>
        {
            for (int i = 0; i < text.Length; i++) path[i] = text[i] switch { '.' => '/', '/' => '.', var other => other };
        });
    }
}
