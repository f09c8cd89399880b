using System.Globalization;

namespace Gantry.Bench;

/// <summary>Prints one line a figure: what, Gantry's value, and each peer's with how many times better Gantry is.</summary>
internal sealed class Report
{
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    public bool AnyFailed { get; private set; }

    /// <param name="unit">Of all values.</param>
    /// <param name="figures">By contestant, Gantry's first.</param>
    /// <param name="higherIsBetter">Then the ratio is Gantry's over the peer's; otherwise the peer's over Gantry's. Below 1 the peer is the better one.</param>
    public void Row(string what, string unit, IReadOnlyList<(string Name, double Value)> figures, bool higherIsBetter = false)
    {
        var (_, gantry) = figures[0];
        string line = string.Create(CultureInfo.InvariantCulture, $"{what,-56} {Number(gantry),8} {unit,-5}");
        foreach (var (name, value) in figures.Skip(1))
            line += string.Create(CultureInfo.InvariantCulture, $"  {name} {Number(value),8} ({Number(higherIsBetter ? gantry / value : value / gantry)} times)");
        Console.WriteLine(line);
    }

    /// <summary>A peer that there is no figure of.</summary>
    public void Without(string scenario, string peer, string why)
    {
        if (told.Add($"{scenario} {peer}")) Console.WriteLine($"{scenario}: no figure of {peer}: {why}");
    }

    public void Failed(string what, string why)
    {
        AnyFailed = true;
        Console.WriteLine($"{what,-56} FAILED: {why}");
    }

    private static string Number(double value) => value.ToString(value switch { >= 1000 => "0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);
}
