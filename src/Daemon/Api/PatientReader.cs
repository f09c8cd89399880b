using System.Buffers;
using System.IO.Pipelines;

namespace Gantry.Daemon.Api;

/// <summary>Tells of the end of a client's sending only when everything before it has been looked at.</summary>
/// <remarks>
/// A pipe reports its end together with the last bytes, and Kestrel takes a request body that comes that way for one that was cut off, even when it is all
/// there. Clients that send a request and end their direction at once (<c>echo x | docker exec -i</c>) would get no answer.
/// </remarks>
internal sealed class PatientReader(PipeReader inner) : PipeReader
{
    private ReadOnlySequence<byte> last;
    private long left = -1;   // bytes that a reader has looked at to their end and left in the pipe

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Seen(await inner.ReadAsync(cancellationToken).ConfigureAwait(false));

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result)) return false;
        result = Seen(result);
        return true;
    }

    private ReadResult Seen(ReadResult result)
    {
        last = result.Buffer;
        // Nothing new although it was looked at to the end: nothing will come any more.
        bool exhausted = last.IsEmpty || last.Length == left;
        return result.IsCompleted && !exhausted ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        left = last.Slice(examined).IsEmpty ? last.Slice(consumed).Length : -1;
        last = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
}

/// <summary>Two pipes, one for each direction.</summary>
internal sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
