namespace Gantry.Daemon.Engine;

/// <summary>Holds accepted connections back until the engine can serve them. Opening it again does nothing (reference 6.1 tells of an original that crashed).</summary>
public sealed class AcceptGate
{
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsOpen => opened.Task.IsCompleted;

    public void Open() => opened.TrySetResult();

    public Task WaitAsync(CancellationToken cancellation) => opened.Task.WaitAsync(cancellation);
}
