namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Guesses what a misspelt word was meant to be.</summary>
internal static class Suggestion
{
    /// <summary>More changed letters than this make it another word.</summary>
    private const int Farthest = 2;

    /// <returns><c> (did you mean X?)</c>, or nothing when no known word is near.</returns>
    public static string For(string word, IEnumerable<string> known, bool sameCase)
    {
        string wanted = sameCase ? word : word.ToLowerInvariant();
        string? best = null;
        int nearest = Farthest + 1;
        foreach (string candidate in known.Select(k => sameCase ? k : k.ToLowerInvariant()))
        {
            if (candidate == wanted) return "";
            int distance = Distance(wanted, candidate);
            if (distance >= nearest) continue;
            (best, nearest) = (candidate, distance);
        }
        if (best is null) return "";
        if (!sameCase && word == word.ToUpperInvariant()) best = best.ToUpperInvariant();
        return $" (did you mean {best}?)";
    }

    /// <summary>How many letters must be changed, put in or taken out (Levenshtein).</summary>
    private static int Distance(string from, string to)
    {
        if (Math.Abs(from.Length - to.Length) > Farthest) return Farthest + 1;
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[to.Length];
    }
}
