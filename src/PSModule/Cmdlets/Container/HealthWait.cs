using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Waits for health checks to succeed, by the engine's events.</summary>
internal static class HealthWait
{
    /// <exception cref="ContainerEngineException">It has no health check, or has ended.</exception>
    public static async Task UntilHealthyAsync(ContainerTarget target, CancellationToken cancellation)
    {
        // The events are open before the state is read: a change between the two is seen in one of them.
        using var events = await target.Client.OpenEventsAsync(new Filters().Add("container", target.Id).Add("event", ["health_status", "die"]), cancellation);
        EventMessage? change = null;
        do
        {
            var detail = await target.Client.InspectContainerAsync(target.Id, size: false, cancellation);
            switch (WireText.Health(detail.State.Health?.Status))
            {
                case ContainerHealth.Healthy:
                    return;
                case ContainerHealth.None when detail.Config.Healthcheck?.Test is not { Count: > 0 } test || test[0] == "NONE":
                    throw new ContainerEngineException(EngineErrorKind.Conflict, $"The container {target} has no health check.") { Request = "GET /containers/" };
            }
            if (!detail.State.Running && change is not null)
                throw new ContainerEngineException(EngineErrorKind.Conflict, $"The container {target} ended with {detail.State.ExitCode} before it was healthy.") { Request = "GET /containers/" };
            change = await events.NextAsync(cancellation);
        }
        while (change is not null);
        throw new ContainerEngineException(EngineErrorKind.ConnectionLost, $"The engine's events ended while the health of {target} was waited for.");
    }
}
