using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>What is measured beside others.</summary>
internal interface IContestant
{
    string Name { get; }
}

/// <summary>Who takes part in one scenario: Gantry and whichever peers there are. A peer that fails drops out with its reason; when Gantry fails, the scenario has failed.</summary>
internal sealed class Contest<T>(string scenario, IReadOnlyList<T> contestants, Report report) where T : class, IContestant
{
    /// <summary>What an engine still does behind its last answer is not to be measured as another's.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(400);

    private readonly List<T> contestants = [.. contestants];

    public T Gantry => contestants[0];

    /// <summary>Does something with one after the other.</summary>
    public async Task EachAsync(Func<T, Task> action)
    {
        foreach (var contestant in contestants.ToList())
        {
            try
            {
                await action(contestant);
            }
            catch (Exception e) when (contestant != Gantry && e is HttpRequestException or EngineAnswerException or IOException or InvalidOperationException or OperationCanceledException)
            {
                contestants.Remove(contestant);
                report.Without(scenario, contestant.Name, e.Message);
            }
        }
    }

    /// <summary>Takes the measure of one after the other in turn, so that a change of the machine's speed meets all; gives the medians.</summary>
    /// <param name="each">How many measures are taken before it is the next one's turn.</param>
    public async Task<IReadOnlyDictionary<T, double>> MediansAsync(int rounds, Func<T, Task<double>> measure, int warmUps = 1, int each = 1)
    {
        var values = contestants.ToDictionary(c => c, _ => new List<double>());
        for (int i = -warmUps; i < rounds; i++)
        {
            await EachAsync(async contestant =>
            {
                await Task.Delay(Settling);
                for (int n = 0; n < each; n++)
                {
                    double value = await measure(contestant);
                    if (i >= 0) values[contestant].Add(value);
                }
            });
        }
        return contestants.ToDictionary(c => c, c => Figures.Median(values[c]));
    }

    /// <summary>Prints the figures of those that are still in.</summary>
    public void Row(string what, string unit, IReadOnlyDictionary<T, double> figures, bool higherIsBetter = false) =>
        report.Row(what, unit, [.. contestants.Where(figures.ContainsKey).Select(c => (c.Name, figures[c]))], higherIsBetter);
}
