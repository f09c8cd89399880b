using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks;

internal static partial class NetworkLog
{
    [LoggerMessage(200, LogLevel.Information, "default network: bridge {Bridge}, {Subnet}, gateway {Gateway}")]
    public static partial void BridgeReady(ILogger log, string bridge, string subnet, string gateway);

    [LoggerMessage(201, LogLevel.Warning, "a network namespace could not be prepared ahead of need")]
    public static partial void PoolNotFilled(ILogger log, Exception error);

    [LoggerMessage(202, LogLevel.Warning, "IPv4 forwarding is off and could not be switched on: containers reach this host only")]
    public static partial void ForwardingOff(ILogger log);

    [LoggerMessage(203, LogLevel.Warning, "port {Address}:{Port}/{Protocol} of container {Container} could not be held again: another program has taken it")]
    public static partial void PortLost(ILogger log, string address, int port, string protocol, string container);

    [LoggerMessage(204, LogLevel.Warning, "removed the network device {Device}: no running container has it")]
    public static partial void StrayDevice(ILogger log, string device);

    [LoggerMessage(205, LogLevel.Warning, "releasing the network of container {Container}: {Step} failed")]
    public static partial void ReleaseFailed(ILogger log, string container, string step, Exception error);

    [LoggerMessage(206, LogLevel.Warning, "the packet filter's table was changed by another program and is written again")]
    public static partial void FilterRestored(ILogger log);

    [LoggerMessage(207, LogLevel.Error, "the packet filter's table was changed by another program and could not be written again")]
    public static partial void FilterLost(ILogger log, Exception error);

    [LoggerMessage(208, LogLevel.Debug, "UDP flows to earlier holders of ports or addresses could not be ended")]
    public static partial void FlowsNotForgotten(ILogger log, Exception error);
}
