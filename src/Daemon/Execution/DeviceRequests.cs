using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Execution;

/// <summary>Devices by capability (<c>--gpus</c>) need a driver that injects them; this engine has none, and says so in dockerd's words.</summary>
internal static class DeviceRequests
{
    /// <exception cref="EngineException">500 <c>could not select device driver "" with capabilities: [[gpu]]</c>.</exception>
    public static void Refuse(List<DeviceRequest>? requests)
    {
        if (requests is not { Count: > 0 }) return;
        var request = requests[0];
        if (request.Driver == "cdi") throw EngineException.System($"CDI device injection failed: unresolvable CDI devices {string.Join(", ", request.DeviceIDs ?? [])}");
        string capabilities = string.Join(' ', (request.Capabilities ?? []).Select(all => $"[{string.Join(' ', all)}]"));
        throw EngineException.System($"could not select device driver \"{request.Driver}\" with capabilities: [{capabilities}]");
    }
}
