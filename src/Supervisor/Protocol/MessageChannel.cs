using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gantry.Linux.Kernel;
using Gantry.Linux.Sockets;

namespace Gantry.Supervisor.Protocol;

/// <summary>Messages with descriptors over a Unix socket: the JSON's length and the number of descriptors (two little-endian 32-bit words), the JSON, and SCM_RIGHTS on the first byte.</summary>
/// <remarks>Any thread may send; one thread receives.</remarks>
public sealed class MessageChannel(Fd socket) : IDisposable
{
    /// <summary>A command line may be megabytes; more than this is a mistake.</summary>
    private const int MaxMessage = 64 << 20, HeadSize = 8;

    private readonly MessageSocket connection = new(socket);
    private readonly Lock sending = new();
    private byte[] received = new byte[16 << 10];
    private int start, end;
    private readonly Queue<Fd> descriptors = new();

    /// <exception cref="KernelException"><see cref="Errno.EPIPE"/>: the peer is gone.</exception>
    public void Send<T>(T message, JsonTypeInfo<T> type, ReadOnlySpan<int> fds = default)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        buffer.Advance(HeadSize);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true })) JsonSerializer.Serialize(writer, message, type);
        var head = MemoryMarshal.AsMemory(buffer.WrittenMemory).Span;
        BinaryPrimitives.WriteInt32LittleEndian(head, buffer.WrittenCount - HeadSize);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], fds.Length);
        lock (sending) connection.Send(buffer.WrittenSpan, fds);
    }

    /// <summary>The next message and the descriptors that came with it; null when the peer has ended.</summary>
    public T? Receive<T>(JsonTypeInfo<T> type, out List<Fd> fds) where T : class
    {
        fds = [];
        if (!Fill(HeadSize)) return null;
        int length = BinaryPrimitives.ReadInt32LittleEndian(received.AsSpan(start));
        int count = BinaryPrimitives.ReadInt32LittleEndian(received.AsSpan(start + 4));
        if (length is < 0 or > MaxMessage) throw new InvalidDataException($"a message of {length} bytes");
        if (!Fill(HeadSize + length)) return null;
        // One read can bring the end of one message and the descriptors of the next: hence the count.
        for (int i = 0; i < count; i++) fds.Add(descriptors.Dequeue());
        var json = received.AsSpan(start + HeadSize, length);
        start += HeadSize + length;
        return JsonSerializer.Deserialize(json, type);
    }

    private bool Fill(int needed)
    {
        while (end - start < needed)
        {
            if (start > 0)
            {
                received.AsSpan(start, end - start).CopyTo(received);
                end -= start;
                start = 0;
            }
            if (received.Length < needed) Array.Resize(ref received, Math.Max(needed, received.Length * 2));
            int count = connection.Receive(received.AsSpan(end), descriptors);
            if (count == 0) return false;
            end += count;
        }
        return true;
    }

    /// <summary>Wakes the receiver: it sees the end.</summary>
    public void Shutdown() => Syscall.Call(SyscallNumber.Shutdown, connection.Socket.Number, 2);

    public void Dispose()
    {
        connection.Dispose();
        while (descriptors.TryDequeue(out var fd)) fd.Dispose();
    }
}
