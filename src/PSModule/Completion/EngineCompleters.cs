using System.Collections;
using System.Globalization;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Completion;

/// <summary>Images by name.</summary>
public sealed class ImageCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) =>
        from image in Session(bound)?.Completions.Images.Get() ?? []
        let text = image.IsDangling ? image.Id["sha256:".Length..][..12] : image.Name
        select new Suggestion(text, $"{image.Name}: {ByteSize.Format(image.Size)}, {image.Id["sha256:".Length..][..12]}");
}

/// <summary>Networks by name, and the modes that are none.</summary>
public sealed class NetworkCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound)
    {
        var session = Session(bound);
        if (prefix.StartsWith("container:", StringComparison.OrdinalIgnoreCase))
            return (session?.Completions.Containers.Get() ?? []).Select(c => new Suggestion("container:" + c.Name, $"The network of {c.Name}"));
        return (session?.Completions.Networks.Get() ?? []).Select(name => new Suggestion(name, ""));
    }
}

/// <summary>Engine commands by name.</summary>
public sealed class CommandCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) =>
        (Session(bound)?.Completions.Commands.Get() ?? []).Select(c => new Suggestion(c.Name, $"{c.Name} {string.Join(' ', c.Parameters.Select(p => p.ToString()))}\n{c.Synopsis}"));
}

/// <summary>Engine jobs by id.</summary>
public sealed class EngineJobCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) =>
        (Session(bound)?.Completions.Jobs.Get() ?? []).Select(j => new Suggestion(j.Id, $"{j.Command}, {j.Status}"));
}

/// <summary>This runspace's sessions by name. Asks no engine.</summary>
public sealed class SessionCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) =>
        SessionTable.Current.Sessions.Select(s => new Suggestion(
            parameter.Equals("Id", StringComparison.OrdinalIgnoreCase) ? s.Id.ToString(CultureInfo.InvariantCulture) : s.Name, $"{s.Uri}, API {s.ApiVersion}"));
}

/// <summary>Contexts of the docker CLI by name. Reads files only.</summary>
public sealed class ContextCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound) =>
        ContextStore.List().Select(c => new Suggestion(c.Name, $"{c.Host} {c.Description}".Trim()));
}
