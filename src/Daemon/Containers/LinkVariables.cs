using System.Globalization;

namespace Gantry.Daemon.Containers;

/// <summary>The variables that a container is given for each of its links (reference 5.11).</summary>
internal static class LinkVariables
{
    /// <param name="ports">What the linked container publishes or exposes.</param>
    /// <param name="environment">The linked container's own variables.</param>
    public static IEnumerable<string> Of(string parent, string alias, string address, IEnumerable<PortSpec> ports, IEnumerable<string> environment)
    {
        string prefix = alias.ToUpperInvariant().Replace('-', '_');
        yield return $"{prefix}_NAME=/{parent}/{alias}";
        PortSpec[] sorted = [.. ports.OrderBy(p => p.Protocol == "tcp" ? 0 : 1).ThenBy(p => p.Port)];
        if (sorted.Length > 0) yield return $"{prefix}_PORT={Url(sorted[0], address)}";
        for (int first = 0, last; first < sorted.Length; first = last + 1)
        {
            for (last = first; last + 1 < sorted.Length && sorted[last + 1].Protocol == sorted[last].Protocol && sorted[last + 1].Port == sorted[last].Port + 1; last++)
            {
            }
            if (last > first)
            {
                string range = Name(prefix, sorted[first]);
                yield return $"{range}_START={Url(sorted[first], address)}";
                yield return $"{range}_ADDR={address}";
                yield return $"{range}_PROTO={sorted[first].Protocol}";
                yield return $"{range}_PORT_START={Number(sorted[first])}";
                yield return $"{range}_END={Url(sorted[last], address)}";
                yield return $"{range}_PORT_END={Number(sorted[last])}";
            }
            foreach (var port in sorted[first..(last + 1)])
            {
                string one = Name(prefix, port);
                yield return $"{one}={Url(port, address)}";
                yield return $"{one}_ADDR={address}";
                yield return $"{one}_PORT={Number(port)}";
                yield return $"{one}_PROTO={port.Protocol}";
            }
        }
        foreach (string variable in environment)
        {
            int equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && variable[..equals] is not ("HOME" or "PATH")) yield return $"{prefix}_ENV_{variable}";
        }
    }

    private static string Name(string prefix, PortSpec port) => $"{prefix}_PORT_{Number(port)}_{port.Protocol.ToUpperInvariant()}";

    private static string Url(PortSpec port, string address) => $"{port.Protocol}://{address}:{Number(port)}";

    private static string Number(PortSpec port) => port.Port.ToString(CultureInfo.InvariantCulture);
}
