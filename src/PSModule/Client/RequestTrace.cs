namespace Gantry.PowerShell.Client;

/// <summary>Carries one line about each HTTP exchange to whoever runs it: a cmdlet shows them with <c>-Debug</c>.</summary>
internal static class RequestTrace
{
    private static readonly AsyncLocal<Action<string>?> Listener = new();

    /// <summary>Called on any thread; null when nobody listens.</summary>
    public static Action<string>? Current
    {
        get => Listener.Value;
        set => Listener.Value = value;
    }
}
