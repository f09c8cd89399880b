using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;

namespace Gantry.Unit.Linux;

[Collection(Alone.Name)]
public sealed class EventLoopTests
{
    /// <summary>A wake-up that was taken for another one left the loop asleep, and every later post with it.</summary>
    [Fact]
    public async Task Nothing_that_is_posted_to_an_idle_loop_is_left_lying()
    {
        const int posters = 4, rounds = 20_000;
        using var loop = new EventLoop("test loop");
        loop.Start();
        var work = Enumerable.Range(0, posters).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < rounds; i++)
            {
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                loop.Post(done.SetResult);
                await done.Task.WaitAsync(TimeSpan.FromSeconds(20));   // the next one comes only now: nothing else wakes the loop
            }
        }));
        await Task.WhenAll(work);
    }

    [Fact]
    public async Task A_descriptor_that_is_ready_and_posts_are_both_served()
    {
        using var loop = new EventLoop("test loop");
        loop.Start();
        using var pipe = Pipe.Create(OpenFlags.NonBlocking);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => loop.Add(pipe.Read, Readiness.Readable, _ => ready.TrySetResult()));
        var posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(posted.SetResult);
        await posted.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(ready.Task.IsCompleted);
        pipe.Write.Dispose();   // the end of the pipe is something to read
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
