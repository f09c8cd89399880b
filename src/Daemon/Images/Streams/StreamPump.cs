namespace Gantry.Daemon.Images.Streams;

/// <summary>Brings a client's stream, which is read asynchronously, to a thread that pulls and blocks.</summary>
internal static class StreamPump
{
    /// <summary>Runs blocking work over a stream's bytes on a thread of its own. Both have ended when the task completes.</summary>
    /// <param name="input">Read to its end, unless the work fails first.</param>
    /// <param name="work">Gets the bytes as a source. What it returns is awaited too.</param>
    /// <param name="advanced">Called with the number of bytes that have been read so far.</param>
    public static async Task RunAsync(Stream input, Func<ByteSource, CancellationToken, Task> work, Action<long>? advanced, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pipe = new BlockPipe(stop.Token);
        var pumping = PumpAsync(input, pipe, advanced, stop.Token);
        try
        {
            var working = Task.Factory.StartNew(() => work(pipe, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await (await working.ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            pipe.Abandon(e);
            await stop.CancelAsync().ConfigureAwait(false);   // the pump may be waiting for a client that sends nothing more
            await pumping.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            throw;
        }
        finally
        {
            pipe.Dispose();
        }
        await pumping.ConfigureAwait(false);
    }

    private static async Task PumpAsync(Stream input, BlockPipe pipe, Action<long>? advanced, CancellationToken cancellation)
    {
        try
        {
            long total = 0;
            while (true)
            {
                await pipe.ReserveAsync().ConfigureAwait(false);
                int read = await input.ReadAsync(pipe.Space, cancellation).ConfigureAwait(false);
                if (read == 0) break;
                pipe.Advance(read);
                advanced?.Invoke(total += read);
            }
            pipe.Complete();
        }
        catch (Exception e)
        {
            pipe.Complete(e);
            throw;
        }
    }
}
