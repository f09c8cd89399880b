using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Logs;

/// <summary>The stream that a piece of output came from; values are those of the multiplexed stream's frames.</summary>
internal enum OutputKind : byte
{
    Stdout = 1,
    Stderr = 2,
}

/// <param name="File">Inode of the file that is written now.</param>
/// <param name="Size">Its length.</param>
internal readonly record struct LogPosition(ulong File, long Size);

/// <summary>Keeps a container's output as records of lines. Used by the supervisor's loop thread only.</summary>
/// <remarks>
/// A line longer than <see cref="MaxRecord"/> becomes several records, of which only the last ends in a newline; an unfinished line waits for its
/// end, for <see cref="MaxRecord"/> bytes or for the stream's end (reference 5.15).
/// </remarks>
internal abstract class LogWriter : IDisposable
{
    public const int MaxRecord = 16 << 10;

    private readonly byte[]?[] unfinished = new byte[2][];
    private readonly int[] unfinishedLength = new int[2];

    public static LogWriter Open(LogRequest request) => request.Format switch
    {
        "json-file" => new JsonFileLog(request),
        "local" => new LocalLog(request),
        _ => throw new ArgumentException($"unknown log format '{request.Format}'"),
    };

    /// <summary>Where the next record goes.</summary>
    public abstract LogPosition Position { get; }

    /// <summary>The next writes repeat some that began at a position: as many of their bytes as are in the files already are not written again.</summary>
    public abstract void Repeat(LogPosition from);

    /// <summary>The line whose end has not come yet.</summary>
    public ReadOnlySpan<byte> Unfinished(OutputKind kind) => unfinished[(int)kind - 1].AsSpan(0, unfinishedLength[(int)kind - 1]);

    /// <summary>Goes on with a line that another writer had begun.</summary>
    public void GoOn(OutputKind kind, ReadOnlySpan<byte> text) => Keep((int)kind - 1, text);

    /// <summary>Takes output as it came from the process.</summary>
    /// <param name="time">When it came: the time of its records.</param>
    public void Write(OutputKind kind, ReadOnlySpan<byte> data, DateTimeOffset time)
    {
        int stream = (int)kind - 1;
        while (!data.IsEmpty)
        {
            int newline = data.IndexOf((byte)'\n');
            int length = newline < 0 ? data.Length : newline + 1;
            if (unfinishedLength[stream] == 0)
            {
                if (length > MaxRecord) length = MaxRecord;
                else if (newline < 0)
                {
                    Keep(stream, data);
                    break;
                }
                Append(kind, data[..length], time);
            }
            else
            {
                length = Math.Min(length, MaxRecord - unfinishedLength[stream]);
                Keep(stream, data[..length]);
                if (unfinishedLength[stream] == MaxRecord || data[length - 1] == '\n') Finish(kind, time);
            }
            data = data[length..];
        }
        Flush();
    }

    /// <summary>Writes unfinished lines out, as they are.</summary>
    public void Complete(DateTimeOffset time)
    {
        Finish(OutputKind.Stdout, time);
        Finish(OutputKind.Stderr, time);
        Flush();
    }

    private void Keep(int stream, ReadOnlySpan<byte> data)
    {
        byte[] buffer = unfinished[stream] ?? [];
        if (buffer.Length < unfinishedLength[stream] + data.Length) Array.Resize(ref buffer, Math.Min(MaxRecord, Math.Max(256, (unfinishedLength[stream] + data.Length) * 2)));
        data.CopyTo(buffer.AsSpan(unfinishedLength[stream]));
        unfinishedLength[stream] += data.Length;
        unfinished[stream] = buffer;
    }

    private void Finish(OutputKind kind, DateTimeOffset time)
    {
        int stream = (int)kind - 1;
        if (unfinishedLength[stream] == 0) return;
        Append(kind, unfinished[stream].AsSpan(0, unfinishedLength[stream]), time);
        unfinishedLength[stream] = 0;
        unfinished[stream] = null;
    }

    /// <summary>Adds one record to what the next <see cref="Flush"/> writes.</summary>
    protected abstract void Append(OutputKind kind, ReadOnlySpan<byte> record, DateTimeOffset time);

    /// <summary>Hands everything to the kernel.</summary>
    protected abstract void Flush();

    public abstract void Dispose();
}
