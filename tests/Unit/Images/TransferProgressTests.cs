using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Transfers;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

/// <summary>What a client sees of a pull or push, however slowly it reads.</summary>
public sealed class TransferProgressTests
{
    private sealed class SlowOutput : JobOutput
    {
        private readonly MemoryStream written = new();

        public TaskCompletionSource Gate { get; } = new();

        /// <summary>Ends when the writer stands at the gate: what is reported from then on waits behind it.</summary>
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<ProgressMessage> Lines =>
            [.. Encoding.UTF8.GetString(written.ToArray()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<ProgressMessage>(l)!)];

        public override ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override ValueTask SendHeadAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        protected override async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            Reached.TrySetResult();
            await Gate.Task.WaitAsync(cancellation);
            written.Write(data.Span);
        }
    }

    [Fact]
    public async Task A_slow_client_gets_every_step_in_order_and_the_newest_numbers_alone()
    {
        var output = new SlowOutput();
        await using (var progress = new TransferProgress(output, default))
        {
            progress.Say("Pulling from x", "1");
            await output.Reached.Task.WaitAsync(TimeSpan.FromSeconds(10));
            progress.Step("a", "Pulling fs layer");
            for (int i = 1; i <= 1000; i++) progress.Report("a", "Downloading", i, 1000);
            progress.Report("b", "Downloading", 5, 10);
            progress.Step("b", "Download complete");
            output.Gate.SetResult();
        }
        Assert.Equal(["Pulling from x", "Pulling fs layer", "Download complete", "Downloading"], output.Lines.Select(l => l.Status));
        Assert.Equal((1000, 1000), (output.Lines[^1].ProgressDetail!.Current, output.Lines[^1].ProgressDetail!.Total));
    }

    [Fact]
    public async Task A_client_that_has_gone_holds_nobody_up()
    {
        var output = new SlowOutput();
        using var gone = new CancellationTokenSource();
        var progress = new TransferProgress(output, gone.Token);
        progress.Say("Pulling from x", "1");
        await gone.CancelAsync();
        progress.Say("more");
        await progress.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(output.Lines);
    }

    [Fact]
    public async Task The_result_of_a_push_is_a_line_of_its_own()
    {
        var output = new RecordedOutput();
        await using (var progress = new TransferProgress(output, default)) progress.Result(new PushResult { Tag = "1", Digest = "sha256:0", Size = 527 });
        Assert.Equal("{\"progressDetail\":{},\"aux\":{\"Tag\":\"1\",\"Digest\":\"sha256:0\",\"Size\":527}}\r\n", Encoding.UTF8.GetString(output.Bytes));   // golden 142
    }
}
