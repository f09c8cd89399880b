using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A new container in the foreground: made, attached to, and started, in this order, so that not a byte of its output and not its exit can be missed.</summary>
internal sealed class ContainerRun : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan EndGrace = TimeSpan.FromMilliseconds(500);

    private readonly ContainerTarget target;
    private readonly HijackedConnection connection;
    private readonly ProcessStreams streams;
    private readonly Task<ContainerWaitResponse> exit;
    private bool ended;

    private ContainerRun(ContainerTarget target, HijackedConnection connection, Task<ContainerWaitResponse> exit)
    {
        this.target = target;
        this.connection = connection;
        streams = new ProcessStreams(connection);
        this.exit = exit;
    }

    public ContainerTarget Target => target;

    /// <param name="input">Whether something will be written to its standard input.</param>
    /// <exception cref="ContainerEngineException">It could not be made or started; it is left as it is, as <c>docker run</c> does.</exception>
    public static async Task<ContainerRun> StartAsync(AsyncCmdlet cmdlet, EngineSession session, ContainerSpec spec, ImagePullPolicy policy, bool input, CancellationToken cancellation)
    {
        var container = await ContainerCreation.CreateAsync(cmdlet, session, spec, policy, request =>
        {
            request.AttachStdin = input;
            request.OpenStdin |= input;
            request.StdinOnce = input;
            request.AttachStdout = request.AttachStderr = true;
        }, cancellation);
        var target = new ContainerTarget(container.Id, container.Name, session);
        cmdlet.WriteVerbose($"Created {target}.");
        var streams = await session.Client.AttachContainerAsync(target.Id, input, stdout: true, stderr: true, logs: false, spec.Tty ?? false, cancellation);
        bool begun = false;
        try
        {
            var exit = await session.Client.BeginWaitAsync(target.Id, spec.RemoveAutomatically == true ? "removed" : "next-exit", cancellation);
            begun = true;
            await session.Client.StartContainerAsync(target.Id, cancellation);
            cmdlet.WriteVerbose($"Started {target}.");
            return new ContainerRun(target, streams, exit);
        }
        catch (Exception e)
        {
            await streams.DisposeAsync();
            if (begun && e is not ContainerEngineException) await StopAsync(target);   // it may run, and nobody would know
            throw;
        }
    }

    public Task WriteInputAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => streams.WriteAsync(data, cancellation);

    public Task EndInputAsync() => streams.EndInputAsync();

    /// <summary>Connects it with this terminal. Null when the person has left and it runs on.</summary>
    public async Task<ContainerExit?> RunInTerminalAsync(CancellationToken cancellation)
    {
        bool left = await TerminalSession.RunAsync(connection, DetachKeys.Parse(null), (width, height, token) => target.Client.ResizeContainerAsync(target.Id, width, height, token), cancellation);
        ended = true;   // whatever it does now, it is not ours to stop
        if (!left) return await ExitAsync();   // told after the end of its stream
        await Task.WhenAny(exit, Task.Delay(EndGrace, cancellation));   // it may have ended in the moment of leaving
        return exit.IsCompleted || !await IsRunningAsync(cancellation) ? await ExitAsync() : null;
    }

    private async Task<bool> IsRunningAsync(CancellationToken cancellation)
    {
        try
        {
            return (await target.Client.InspectContainerAsync(target.Id, size: false, cancellation)).State.Running;
        }
        catch (ContainerEngineException e) when (e.Kind == EngineErrorKind.NotFound)
        {
            return false;
        }
    }

    private async Task<ContainerExit> ExitAsync()
    {
        var answer = await exit;
        return new ContainerExit(target.Id, target.Name, (int)answer.StatusCode, answer.Error?.Message, target.Session);
    }

    /// <summary>Reads its output to the end, and says how it ended.</summary>
    public async Task<ContainerExit> FinishAsync(Action<OutputLine> write, CancellationToken cancellation)
    {
        await streams.ReadAsync(write, cancellation);
        var end = await ExitAsync();
        ended = true;
        return end;
    }

    /// <summary>A container whose foreground has gone away is stopped: nobody else would.</summary>
    public async ValueTask DisposeAsync()
    {
        await streams.DisposeAsync();
        if (!ended) await StopAsync(target);
    }

    private static async Task StopAsync(ContainerTarget target)
    {
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await target.Client.StopContainerAsync(target.Id, null, 2, limit.Token);
        }
        catch (Exception e) when (e is ContainerEngineException or OperationCanceledException)
        {
            // It has ended by itself, or the engine is gone.
        }
    }
}
