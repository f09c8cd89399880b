using Gantry.Daemon.Engine;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Builds;

/// <summary>A client of <c>attach</c> within the engine: what a container writes goes into a build's output, standard error in red.</summary>
internal sealed class ContainerOutput(BuildOutput output) : IClientConnection, IDuplexStream
{
    private readonly TaskCompletionSource connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamText stdout = new(), stderr = new();
    private readonly byte[] header = new byte[StreamFrame.HeaderSize];
    private int headerLength, frameLeft;
    private StreamKind kind;

    /// <summary>Completes when nothing that is written from here on is missed.</summary>
    public Task Connected => connected.Task;

    public bool Upgrades => true;

    public Task<IDuplexStream> TakeOverAsync(string contentType, bool standardHeaders, CancellationToken cancellation)
    {
        connected.TrySetResult();
        return Task.FromResult<IDuplexStream>(this);
    }

    /// <summary>There is no input, and never an end of it.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(false);
        return 0;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (!data.IsEmpty)
        {
            if (frameLeft == 0)
            {
                int wanted = Math.Min(header.Length - headerLength, data.Length);
                data[..wanted].CopyTo(header.AsMemory(headerLength));
                data = data[wanted..];
                headerLength += wanted;
                if (headerLength < header.Length) return;
                headerLength = 0;
                if (!StreamFrame.TryReadHeader(header, out kind, out frameLeft)) throw new InvalidDataException("a container's output is not framed");
                continue;
            }
            var part = data[..Math.Min(frameLeft, data.Length)];
            data = data[part.Length..];
            frameLeft -= part.Length;
            bool isError = kind == StreamKind.Stderr;
            string text = (isError ? stderr : stdout).Decode(part.Span);
            if (text.Length == 0) continue;
            await (isError ? output.WarnAsync(text, cancellation) : output.WriteAsync(text, cancellation)).ConfigureAwait(false);
        }
    }

    public ValueTask CompleteWritesAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
