using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Registries;

/// <summary>How often something is tried, and what is waited between two tries: 1, 4, 16 and then 30 seconds.</summary>
/// <param name="Attempts">Tries without any progress before it is given up.</param>
internal sealed record RetryPolicy(int Attempts)
{
    public static readonly RetryPolicy Default = new(5);

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>The wait after the first.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(1);

    /// <param name="failures">Tries that have failed: 1 or more.</param>
    public TimeSpan Delay(int failures) => TimeSpan.FromSeconds(Math.Min(First.TotalSeconds * Math.Pow(4, failures - 1), Longest.TotalSeconds));

    /// <summary>Waits, and says every second how long it will still take.</summary>
    public async Task WaitAsync(int failures, Action<int>? waiting, CancellationToken cancellation)
    {
        var left = Delay(failures);
        while (left > TimeSpan.Zero)
        {
            waiting?.Invoke((int)Math.Ceiling(left.TotalSeconds));
            var step = left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1);
            await Task.Delay(step, cancellation).ConfigureAwait(false);
            left -= step;
        }
    }
}

/// <summary>A blob as one stream, however often the connection breaks: it goes on where it stopped (RFC 9110, 14.2). Nothing is verified here.</summary>
/// <param name="repository">Where the blob is.</param>
/// <param name="digest">Its name.</param>
/// <param name="size">Its length as the manifest says: the stream ends there, and not before.</param>
/// <param name="retries">Counted anew whenever there was progress.</param>
/// <param name="waiting">Told the seconds until the next try.</param>
internal sealed class BlobStream(RemoteRepository repository, string digest, long size, RetryPolicy retries, Action<int>? waiting) : ForwardStream
{
    private HttpResponseMessage? answer;
    private Stream? body;
    private CancellationTokenSource? silence;
    private CancellationToken silenceFor;
    private long position;
    private long lastFailure = -1;
    private int failures;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (position < size)
        {
            try
            {
                if (body is null) await OpenAsync(cancellationToken).ConfigureAwait(false);
                if (buffer.Length > size - position) buffer = buffer[..(int)(size - position)];
                int read = await ReadWithinAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0) throw new EndOfStreamException("unexpected EOF");
                position += read;
                return read;
            }
            catch (Exception e) when (MayPass(e) && !cancellationToken.IsCancellationRequested)
            {
                CloseAnswer();
                failures = position > lastFailure ? 1 : failures + 1;
                lastFailure = position;
                if (failures >= retries.Attempts) throw Final(e);
                await retries.WaitAsync(failures, waiting, cancellationToken).ConfigureAwait(false);
            }
        }
        return 0;
    }

    private static bool MayPass(Exception error) => error is RegistryException { MayPass: true } or IOException or HttpRequestException or OperationCanceledException;

    private static RegistryException Final(Exception error) => error switch
    {
        RegistryException known => known,
        OperationCanceledException => new RegistryException("context deadline exceeded", error) { IsUnreachable = true },
        EndOfStreamException or HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } => new RegistryException("unexpected EOF", error) { IsUnreachable = true },
        _ => new RegistryException(error.InnerException?.Message ?? error.Message, error) { IsUnreachable = true },
    };

    private async Task OpenAsync(CancellationToken cancellation)
    {
        long offset;
        try
        {
            (answer, offset) = await repository.OpenBlobAsync(digest, position, cancellation).ConfigureAwait(false);
        }
        catch (RegistryException e) when (e.Status == System.Net.HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            throw new RegistryException($"unexpected EOF: the blob {digest} is shorter than its manifest says", e);
        }
        body = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        byte[] skipped = new byte[64 << 10];
        while (offset < position)
        {
            int read = await ReadWithinAsync(skipped.AsMemory(0, (int)Math.Min(skipped.Length, position - offset)), cancellation).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException("unexpected EOF");
            offset += read;
        }
    }

    /// <summary>A registry that says nothing for long has gone, even if its connection stands.</summary>
    private async ValueTask<int> ReadWithinAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (silence is null || silenceFor != cancellation)
        {
            silence?.Dispose();
            silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            silenceFor = cancellation;
        }
        silence.CancelAfter(repository.SilenceLimit);
        return await body!.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
    }

    private void CloseAnswer()
    {
        body?.Dispose();
        answer?.Dispose();
        silence?.Dispose();
        (body, answer, silence) = (null, null, null);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) CloseAnswer();
        base.Dispose(disposing);
    }

    public override long Length => size;

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }
}
