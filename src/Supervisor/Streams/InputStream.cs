using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;

namespace Gantry.Supervisor.Streams;

/// <summary>The writing end of a process's stdin, or its terminal. Lives on the loop's thread.</summary>
/// <remarks>Input stays in its client's socket until the process has it: the daemon holds the socket too, and gives what is left in there to the next supervisor.</remarks>
internal sealed unsafe class InputStream(EventLoop loop, Fd target, bool terminal, bool closeAfterClient)
{
    private const int BufferSize = 64 << 10;
    [ThreadStatic] private static byte[]? shared;
    private readonly List<ClientSocket> waiting = [];
    private EventLoop.Watch? watch;
    private bool closeWhenWritten;

    public Fd Target => target;

    public bool IsClosed { get; private set; }

    /// <summary>Called once when the process's input has ended.</summary>
    public Action? Closed { get; set; }

    /// <summary>Moves what the client has sent into the process, as far as it takes it.</summary>
    public void TakeFrom(ClientSocket client)
    {
        if (IsClosed)
        {
            Discard(client);
            return;
        }
        byte[] buffer = shared ??= GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
        int count = client.Peek(buffer);
        if (count < 0) return;
        if (count == 0)
        {
            client.SetReading(false);
            if (closeAfterClient && !terminal) CloseWhenWritten();
            return;
        }
        nint written;
        fixed (byte* p = buffer) written = Syscall.CallRestarting(SyscallNumber.Write, target.Number, (nint)p, count);
        if (written > 0) client.Take((int)written);
        if (written == count) return;
        if (written < 0 && written != -(int)Errno.EAGAIN)
        {
            Close();
            return;
        }
        waiting.Add(client);
        client.SetReading(false);
        watch ??= loop.Add(target, Readiness.Writable, _ => GoOn());
    }

    /// <summary>Input for a process that does not listen any more is read and dropped, so that the client can end it.</summary>
    private static void Discard(ClientSocket client)
    {
        if (client.Take(4096) == 0) client.SetReading(false);
    }

    private void GoOn()
    {
        watch?.Remove();
        watch = null;
        foreach (var client in TakeWaiting()) client.SetReading(true);
        if (closeWhenWritten && waiting.Count == 0) Close();
    }

    private List<ClientSocket> TakeWaiting()
    {
        var clients = waiting.Where(c => !c.IsClosed).ToList();
        waiting.Clear();
        return clients;
    }

    /// <summary>Ends the process's input, once it has what clients have sent before.</summary>
    public void CloseWhenWritten()
    {
        closeWhenWritten = true;
        if (waiting.Count == 0) Close();
    }

    /// <summary>Ends the process's input.</summary>
    public void Close()
    {
        if (IsClosed) return;
        IsClosed = true;
        watch?.Remove();
        watch = null;
        target.Dispose();
        Closed?.Invoke();
        foreach (var client in TakeWaiting()) client.SetReading(true);
    }
}
