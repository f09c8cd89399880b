using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A command in a running container, with its streams.</summary>
internal sealed class CommandRun : IAsyncDisposable
{
    private readonly string id;
    private readonly ProcessStreams streams;

    private CommandRun(ContainerTarget target, string id, HijackedConnection connection)
    {
        Target = target;
        this.id = id;
        streams = new ProcessStreams(connection);
    }

    public ContainerTarget Target { get; }

    /// <summary>Its end, once <see cref="BeginReading"/> was called.</summary>
    public Task<ContainerExec> Finished { get; private set; } = Task.FromException<ContainerExec>(new InvalidOperationException("Nobody reads the command's output."));

    /// <exception cref="ContainerEngineException">The container does not run, or the command is not there.</exception>
    public static async Task<CommandRun> StartAsync(ContainerTarget target, ExecCreateRequest request, CancellationToken cancellation)
    {
        string id = await target.Client.CreateExecAsync(target.Id, request, cancellation);
        return new CommandRun(target, id, await target.Client.StartExecAsync(id, request.Tty, null, cancellation));
    }

    public void BeginReading(Action<OutputLine> write, CancellationToken cancellation) => Finished = FinishAsync(write, cancellation);

    public async Task<ContainerExec> FinishAsync(Action<OutputLine> write, CancellationToken cancellation)
    {
        await streams.ReadAsync(write, cancellation);
        return await ExecRun.EndedAsync(Target, id, cancellation);
    }

    public Task WriteInputAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => streams.WriteAsync(data, cancellation);

    public Task EndInputAsync() => streams.EndInputAsync();

    public ValueTask DisposeAsync() => streams.DisposeAsync();
}
