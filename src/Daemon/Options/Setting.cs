using System.Text.Json;

namespace Gantry.Daemon.Options;

internal enum SettingKind
{
    Switch,
    Text,
    Number,
    /// <summary>May be given several times; a JSON list in the file.</summary>
    List,
    /// <summary>As <see cref="List"/> on the command line; a JSON object in the file.</summary>
    Map,
}

/// <summary>One thing that can be set, by a flag, by a key of <c>daemon.json</c>, or by neither. Both give texts, which <see cref="Apply"/> checks and takes over.</summary>
/// <param name="Name">The flag's long name, without dashes.</param>
/// <param name="Apply">Throws <see cref="FormatException"/> with the reason for a value that does not fit.</param>
internal sealed record Setting(string Name, SettingKind Kind, string Description, Func<DaemonOptions, IReadOnlyList<string>, DaemonOptions> Apply)
{
    /// <summary>Other spellings, with their dashes.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Name in the file: as Docker's <c>daemon.json</c> has it; null where only a flag makes sense.</summary>
    public string? Key { get; init; } = Name;

    /// <summary>Turns the file's JSON value into the texts that the flag would have had; null for the plain way.</summary>
    public Func<JsonElement, IReadOnlyList<string>>? ReadJson { get; init; }

    public string Flag => "--" + Name;

    /// <summary>There is one object for each setting, and dictionaries by it need no more.</summary>
    public bool Equals(Setting? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    public bool Repeatable => Kind is SettingKind.List or SettingKind.Map;
}
