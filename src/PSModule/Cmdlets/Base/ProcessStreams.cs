using System.Net.Sockets;
using Gantry.PowerShell.Client;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The standard streams of a process that is attached to: input may go in beside the output that comes out, and either can end first.</summary>
internal sealed class ProcessStreams(HijackedConnection connection) : IAsyncDisposable
{
    private readonly CancellationTokenSource outputEnded = new();
    private bool inputEnded;

    /// <summary>Reads its output to the end.</summary>
    public async Task ReadAsync(Action<OutputLine> write, CancellationToken cancellation)
    {
        await OutputReader.ReadAsync(connection, write, cancellation);
        await outputEnded.CancelAsync();
    }

    /// <summary>Gives it input. A process that has ended, or closed its input, needs none: what comes then is dropped.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (inputEnded) return;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, outputEnded.Token);
        try
        {
            await connection.WriteAsync(data, either.Token);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            inputEnded = true;
        }
    }

    /// <summary>The end of its input; its output goes on.</summary>
    public async Task EndInputAsync()
    {
        if (inputEnded) return;
        inputEnded = true;
        try
        {
            await connection.CompleteWritesAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // It ended before its input did.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        outputEnded.Dispose();
    }
}
