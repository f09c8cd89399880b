namespace Gantry.Unit.Supervisor;

/// <summary>Compares a text with the one that is kept beside the tests. <c>GANTRY_WRITE_GOLDEN=1</c> writes it anew, for the author to read the difference.</summary>
internal static class GoldenFile
{
    public static void Matches(string name, string text)
    {
        string path = Path.Combine(Repository.Root, "tests/Unit/Supervisor/Golden", name);
        if (Environment.GetEnvironmentVariable("GANTRY_WRITE_GOLDEN") == "1") File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path), text);
    }
}
