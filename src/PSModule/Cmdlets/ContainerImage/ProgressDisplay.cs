using Gantry.PowerShell.Objects;
using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows an engine's progress stream: one bar for the whole, one below it for each layer.</summary>
internal sealed class ProgressDisplay : IDisposable
{
    private readonly AsyncCmdlet cmdlet;
    private readonly ProgressBar whole;
    private readonly Dictionary<string, ProgressBar> layers = new(StringComparer.Ordinal);
    private int finished;

    private ProgressDisplay(AsyncCmdlet cmdlet, string activity)
    {
        this.cmdlet = cmdlet;
        whole = new ProgressBar(cmdlet, activity);
    }

    /// <summary>Shows a stream to its end.</summary>
    /// <param name="activity">What is being done: <c>Pulling busybox:latest</c>.</param>
    /// <param name="each">Given each message too.</param>
    /// <exception cref="ContainerEngineException">A message says that it failed.</exception>
    public static async Task RunAsync(AsyncCmdlet cmdlet, string activity, IAsyncEnumerable<ProgressMessage> messages, Action<ProgressMessage>? each = null)
    {
        using var display = new ProgressDisplay(cmdlet, activity);
        await foreach (var message in messages)
        {
            display.Show(message);
            each?.Invoke(message);
        }
    }

    private void Show(ProgressMessage message)
    {
        if (StreamFailure.TextOf(message) is { } text) throw StreamFailure.Of(message, KindOf(text), "POST /images/");
        if (message.Id is { Length: > 0 } id && message.ProgressDetail is not null) ShowLayer(id, message);
        else if (message.Status is { Length: > 0 } status) whole.Show(status, ProgressBar.Percent(finished, layers.Count));
    }

    private static EngineErrorKind KindOf(string text)
    {
        bool Says(string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (Says("not found") || Says("does not exist")) return EngineErrorKind.NotFound;
        return Says("unauthorized") || Says("denied") ? EngineErrorKind.Unauthorized : EngineErrorKind.EngineFault;
    }

    private void ShowLayer(string id, ProgressMessage message)
    {
        if (!layers.TryGetValue(id, out var layer)) layers[id] = layer = new ProgressBar(cmdlet, id, whole);
        string status = message.Status ?? "";
        bool done = status is "Pull complete" or "Already exists" or "Pushed" or "Layer already exists" or "Load complete" || status.StartsWith("Mounted from", StringComparison.Ordinal);
        if (!done)
        {
            layer.Show(status, ProgressBar.Percent(message.ProgressDetail!.Current, message.ProgressDetail.Total));
            return;
        }
        if (!layer.End(status)) return;
        finished++;
        whole.Show($"{finished} of {layers.Count} layers", ProgressBar.Percent(finished, layers.Count));
    }

    /// <summary>Takes the bars away.</summary>
    public void Dispose()
    {
        foreach (var layer in layers.Values) layer.Dispose();
        whole.Dispose();
    }
}
