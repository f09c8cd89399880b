using System.Globalization;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>The ports of a container's row in a list.</summary>
internal static class PortViews
{
    public static List<PortSummary> Summaries(ContainerRecord record, ContainerStatus status)
    {
        var rows = new List<PortSummary>();
        if (status.Network is null) return rows;
        foreach (var (text, bindings) in status.Network.Ports)
        {
            var port = PortSpec.Parse(text);
            if (bindings is not { Count: > 0 }) rows.Add(new PortSummary { PrivatePort = port.Port, Type = port.Protocol });
            foreach (var binding in bindings ?? [])
            {
                rows.Add(new PortSummary
                {
                    IP = binding.HostIp,
                    PrivatePort = port.Port,
                    PublicPort = int.TryParse(binding.HostPort, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0,
                    Type = port.Protocol,
                });
            }
        }
        return rows;
    }
}
