namespace Gantry.Daemon.Containers;

/// <summary>Something that is disposed at the end of a scope, unless somebody has taken it over.</summary>
internal sealed class Kept<T>(T value) : IDisposable where T : class, IDisposable
{
    private T? owned = value;

    /// <summary>Takes it over: the caller disposes it from here on.</summary>
    public T Keep() => Interlocked.Exchange(ref owned, null) ?? throw new InvalidOperationException("it was taken over before");

    public void Dispose() => owned?.Dispose();
}
