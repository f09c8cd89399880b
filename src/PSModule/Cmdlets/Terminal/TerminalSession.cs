using System.Management.Automation;
using System.Runtime.InteropServices;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Connects this terminal with one in a container until either side ends.</summary>
internal static class TerminalSession
{
    /// <exception cref="PSInvalidOperationException">There is nobody to type, or this system has no such terminals.</exception>
    public static void Require(AsyncCmdlet cmdlet)
    {
        if (PosixTerminal.IsAvailable) return;
        string why = OperatingSystem.IsWindows() ? "Terminals of containers can only be entered from Linux and macOS." : "This needs a terminal: standard input and output must not be redirected.";
        cmdlet.ThrowTerminatingError(ErrorRecords.Create(new PSInvalidOperationException(why), "NotATerminal", ErrorCategory.InvalidOperation, null, "Use Invoke-ContainerCommand, Invoke-ContainerImage or Receive-ContainerOutput in scripts."));
    }

    /// <param name="leaving">The keys that leave the session.</param>
    /// <param name="resize">Tells the container's terminal its width and height.</param>
    /// <returns>Whether those keys were pressed: the other side may run on.</returns>
    public static async Task<bool> RunAsync(HijackedConnection connection, DetachKeys leaving, Func<int, int, CancellationToken, Task> resize, CancellationToken cancellation)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();   // Require has said so already
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var terminal = new PosixTerminal();
        using var resized = new SemaphoreSlim(1);
        using var window = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Wake(resized));
        var input = SendKeysAsync(terminal, connection, leaving, ended.Token);
        var sizes = SendSizesAsync(resized, resize, ended.Token);
        try
        {
            await ShowOutputAsync(connection, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(input, sizes).ConfigureAwait(false);
        }
        return leaving.WerePressed;
    }

    private static void Wake(SemaphoreSlim resized)
    {
        try
        {
            if (resized.CurrentCount == 0) resized.Release();
        }
        catch (ObjectDisposedException)
        {
            // The window was resized in the moment of leaving.
        }
    }

    private static async Task ShowOutputAsync(HijackedConnection connection, CancellationToken cancellation)
    {
        using var screen = Console.OpenStandardOutput();
        byte[] buffer = new byte[32 * 1024];
        while (true)
        {
            int count;
            try
            {
                count = await connection.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            }
            catch (IOException)
            {
                return;   // the engine has closed the stream, as it may after a detach
            }
            if (count == 0) return;
            screen.Write(buffer, 0, count);
            screen.Flush();
        }
    }

    private static async Task SendKeysAsync(PosixTerminal terminal, HijackedConnection connection, DetachKeys leaving, CancellationToken cancellation)
    {
        try
        {
            await foreach (byte[] keys in terminal.Keys.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                leaving.Notice(keys);
                await connection.WriteAsync(keys, cancellation).ConfigureAwait(false);
            }
            await connection.CompleteWritesAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or System.Net.Sockets.SocketException)
        {
            // The other side has ended.
        }
    }

    /// <summary>Once at the beginning and after each change. A container that has just ended cannot be resized, which does not matter.</summary>
    private static async Task SendSizesAsync(SemaphoreSlim resized, Func<int, int, CancellationToken, Task> resize, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await resized.WaitAsync(cancellation).ConfigureAwait(false);
                try
                {
                    await resize(Console.WindowWidth, Console.WindowHeight, cancellation).ConfigureAwait(false);
                }
                catch (ContainerEngineException)
                {
                    // It is not running yet, or not any more.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The session has ended.
        }
    }
}
