using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>A job's output as the body of an HTTP answer: chunked, each write on its way at once, and slowed down by a slow client.</summary>
internal sealed class HttpJobOutput(HttpResponse response, int status) : JobOutput
{
    private readonly bool isHead = HttpMethods.IsHead(response.HttpContext.Request.Method);

    public override async ValueTask FlushAsync(CancellationToken cancellation) => await response.BodyWriter.FlushAsync(cancellation).ConfigureAwait(false);

    protected override async ValueTask SendHeadAsync(CancellationToken cancellation)
    {
        SetHead();
        await response.StartAsync(cancellation).ConfigureAwait(false);
        await response.BodyWriter.FlushAsync(cancellation).ConfigureAwait(false);
    }

    protected override async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (!response.HasStarted) SetHead();
        if (isHead) return;
        var result = await response.BodyWriter.WriteAsync(data, cancellation).ConfigureAwait(false);
        if (result.IsCompleted) throw new OperationCanceledException("the client has closed its connection");
    }

    private void SetHead()
    {
        response.StatusCode = status;
        response.ContentType = ContentType;
        ApplyHeaders(response);
    }

    /// <summary>Sets the headers that the command asked for: also for an answer without a stream.</summary>
    public void ApplyHeaders(HttpResponse target)
    {
        foreach (var (name, value) in Headers) target.Headers[name] = isHead && name == "Content-Length" ? "0" : value;
    }
}
