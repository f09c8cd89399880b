using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Gantry.PowerShell.Objects;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what a builder prints: each line in the information stream, each step as progress.</summary>
/// <param name="activity">What is being built.</param>
internal sealed partial class BuildDisplay(AsyncCmdlet cmdlet, string activity) : IDisposable
{
    /// <summary>The tag of the information records.</summary>
    public const string Tag = "ContainerBuild";

    private readonly ProgressBar bar = new(cmdlet, activity);
    private readonly StringBuilder line = new();

    /// <summary>The image of the stage that was finished last.</summary>
    public string? ImageId { get; private set; }

    /// <exception cref="ContainerEngineException">The message says that the build failed.</exception>
    public void Show(ProgressMessage message)
    {
        if (StreamFailure.TextOf(message) is not null)
        {
            Flush();
            throw StreamFailure.Of(message, EngineErrorKind.EngineFault, "POST /build");
        }
        if (message.Aux is { ValueKind: System.Text.Json.JsonValueKind.Object } aux) ImageId = System.Text.Json.JsonSerializer.Deserialize(aux, WireJson.TypeInfo<BuildResult>())?.Id ?? ImageId;
        if (message.Stream is { } text) Append(text);
        else if (message.Status is { Length: > 0 } status) cmdlet.WriteVerbose(message.Id is { Length: > 0 } layer ? $"{layer}: {status}" : status);
    }

    private void Append(string text)
    {
        foreach (string part in Colour().Replace(text, "").Split('\n').Select((p, i) => i == 0 ? p : "\n" + p))
        {
            if (part.StartsWith('\n')) Flush();
            line.Append(part.TrimStart('\n'));
        }
    }

    private void Flush()
    {
        string whole = line.ToString().TrimEnd('\r');
        line.Clear();
        if (whole.Length == 0) return;
        cmdlet.WriteInformation(whole, [Tag]);
        var step = Step().Match(whole);
        if (!step.Success) return;
        int number = int.Parse(step.Groups[1].ValueSpan, CultureInfo.InvariantCulture), of = int.Parse(step.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
        bar.Show(whole, ProgressBar.Percent(number - 1, of));
    }

    public void Dispose()
    {
        Flush();
        bar.Dispose();
    }

    [GeneratedRegex(@"^Step (\d{1,6})/(\d{1,6}) : ", RegexOptions.CultureInvariant)]
    private static partial Regex Step();

    [GeneratedRegex(@"\x1b\[(?:91|0)m", RegexOptions.CultureInvariant)]
    private static partial Regex Colour();
}
