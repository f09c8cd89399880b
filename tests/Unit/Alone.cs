namespace Gantry.Unit;

/// <summary>Tests that count what the process has, or start processes that inherit it: no other test runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
