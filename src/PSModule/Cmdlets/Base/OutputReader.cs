using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Reads what a process writes, line by line, until it has ended its output.</summary>
internal static class OutputReader
{
    private const int BufferSize = 32 * 1024;

    /// <param name="write">Called on the pipeline thread for each line.</param>
    public static Task ReadAsync(HijackedConnection connection, Action<OutputLine> write, CancellationToken cancellation) =>
        ReadAsync(connection.ReadAsync, new OutputDecoder(connection.IsMultiplexed), "the attached stream", write, cancellation);

    public static Task ReadAsync(Stream stream, IOutputDecoder decoder, Action<OutputLine> write, CancellationToken cancellation) =>
        ReadAsync(stream.ReadAsync, decoder, "the log", write, cancellation);

    private static async Task ReadAsync(
        Func<Memory<byte>, CancellationToken, ValueTask<int>> read, IOutputDecoder decoder, string what, Action<OutputLine> write, CancellationToken cancellation)
    {
        byte[] buffer = new byte[BufferSize];
        while (true)
        {
            int count = await NextAsync(read, buffer, what, cancellation);
            var lines = count == 0 ? decoder.End() : Decode(decoder, buffer.AsSpan(0, count), what);
            foreach (var line in lines) write(line);
            if (count == 0) return;
        }
    }

    private static async Task<int> NextAsync(Func<Memory<byte>, CancellationToken, ValueTask<int>> read, byte[] buffer, string what, CancellationToken cancellation)
    {
        try
        {
            return await read(buffer, cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new ContainerEngineException(EngineErrorKind.ConnectionLost, $"The connection broke while {what} was read: {(e.InnerException ?? e).Message}", e);
        }
    }

    private static IReadOnlyList<OutputLine> Decode(IOutputDecoder decoder, ReadOnlySpan<byte> data, string what)
    {
        try
        {
            return decoder.Add(data);
        }
        catch (FormatException e)
        {
            throw new ContainerEngineException(EngineErrorKind.InvalidResponse, $"What came instead of {what}: {e.Message}.", e);
        }
    }
}
