using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>This process's terminal in raw mode: every key goes through, Ctrl-C too. Unix only.</summary>
/// <remarks>termios(3): the settings are only kept and given back here, so their layout, which differs between systems, does not matter.</remarks>
internal sealed class PosixTerminal : IDisposable
{
    private const int Stdin = 0, Stdout = 1, SetNow = 0, SettingsSize = 256, Intr = 4;
    private const short PollIn = 1;

    private readonly byte[] saved = new byte[SettingsSize];
    private readonly int[] wake = new int[2];
    private readonly Channel<byte[]> keys = Channel.CreateUnbounded<byte[]>();
    private readonly Thread reader;

    /// <exception cref="InvalidOperationException">Standard input is no terminal, or its settings cannot be changed.</exception>
    public PosixTerminal()
    {
        byte[] raw = new byte[SettingsSize];
        if (GetSettings(Stdin, saved) != 0 || Pipe(wake) != 0) throw new InvalidOperationException("Standard input is not a terminal.");
        saved.CopyTo(raw, 0);
        MakeRaw(raw);
        if (SetSettings(Stdin, SetNow, raw) != 0) throw new InvalidOperationException("The terminal's settings cannot be changed.");
        reader = new Thread(ReadKeys) { IsBackground = true, Name = "Gantry terminal" };
        reader.Start();
    }

    /// <summary>Whether there is a terminal on both sides.</summary>
    public static bool IsAvailable => !OperatingSystem.IsWindows() && IsTerminal(Stdin) == 1 && IsTerminal(Stdout) == 1;

    /// <summary>What is typed, as it comes.</summary>
    public ChannelReader<byte[]> Keys => keys.Reader;

    /// <summary>Waits in poll(2) and not in read(2), so that it can be told to end without eating a key.</summary>
    private void ReadKeys()
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            PollEntry[] entries = [new() { Fd = Stdin, Events = PollIn }, new() { Fd = wake[0], Events = PollIn }];
            int ready = Poll(entries, (nuint)entries.Length, -1);
            if (ready < 0 && Marshal.GetLastPInvokeError() == Intr) continue;
            if (ready <= 0 || entries[1].Ready != 0) break;
            nint count = Read(Stdin, buffer, (nuint)buffer.Length);
            if (count < 0 && Marshal.GetLastPInvokeError() == Intr) continue;
            if (count <= 0) break;
            keys.Writer.TryWrite(buffer[..(int)count]);
        }
        keys.Writer.TryComplete();
    }

    /// <summary>Gives the terminal back as it was.</summary>
    public void Dispose()
    {
        Close(wake[1]);   // the other end becomes readable
        reader.Join();
        Close(wake[0]);
        SetSettings(Stdin, SetNow, saved);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Fd;
        public short Events;
        public short Ready;
    }

    [DllImport("libc", EntryPoint = "isatty")]
    private static extern int IsTerminal(int fd);

    [DllImport("libc", EntryPoint = "tcgetattr")]
    private static extern int GetSettings(int fd, [Out] byte[] settings);

    [DllImport("libc", EntryPoint = "tcsetattr")]
    private static extern int SetSettings(int fd, int when, byte[] settings);

    [DllImport("libc", EntryPoint = "cfmakeraw")]
    private static extern void MakeRaw([In, Out] byte[] settings);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static extern int Poll([In, Out] PollEntry[] entries, nuint count, int timeout);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern nint Read(int fd, [Out] byte[] buffer, nuint count);

    [DllImport("libc", EntryPoint = "pipe")]
    private static extern int Pipe([Out] int[] fds);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int fd);
}
