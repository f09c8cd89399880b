using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Completion;

/// <summary>One thing to offer.</summary>
/// <param name="Text">What is put in; quoted when it has to be.</param>
/// <param name="ToolTip">More about it.</param>
internal readonly record struct Suggestion(string Text, string ToolTip);

/// <summary>The base of completers: what fits the word so far, quoted, in order.</summary>
public abstract class EngineCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string word = wordToComplete ?? "";
        char quote = word.Length > 0 && word[0] is '\'' or '"' ? word[0] : '\0';
        string prefix = quote == '\0' ? word : word.Trim(quote);
        foreach (var suggestion in Suggest(commandName, parameterName, prefix, fakeBoundParameters).Where(s => Fits(s.Text, prefix)).OrderBy(s => s.Text, StringComparer.OrdinalIgnoreCase))
            yield return new CompletionResult(Quote(suggestion.Text, quote), suggestion.Text, CompletionResultType.ParameterValue, suggestion.ToolTip.Length > 0 ? suggestion.ToolTip : suggestion.Text);
    }

    private protected abstract IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound);

    /// <summary>By its beginning, or by the pattern that was typed.</summary>
    private static bool Fits(string text, string prefix) => WildcardPattern.ContainsWildcardCharacters(prefix)
        ? new WildcardPattern(prefix + "*", WildcardOptions.IgnoreCase).IsMatch(text)
        : text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>Bare when PowerShell would read it as one word, otherwise in the quotes that were begun.</summary>
    internal static string Quote(string text, char quote)
    {
        if (quote == '"') return $"\"{text.Replace("`", "``", StringComparison.Ordinal).Replace("$", "`$", StringComparison.Ordinal).Replace("\"", "`\"", StringComparison.Ordinal)}\"";
        bool bare = text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ':' or '+' or '=') && text[0] is not ('-' or '.');
        return bare && quote == '\0' ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
    }

    /// <summary>The session of the command line so far, or the default one; null when the engine does not answer in time.</summary>
    private protected static EngineSession? Session(IDictionary bound)
    {
        object? given = bound?["Session"] is PSObject wrapped ? wrapped.BaseObject : bound?["Session"];
        var table = SessionTable.Current;
        return given switch
        {
            EngineSession session => session,
            string or int => table.Sessions.LastOrDefault(s =>
                string.Equals(s.Name, given as string, StringComparison.OrdinalIgnoreCase) || s.Id.ToString(CultureInfo.InvariantCulture) == Convert.ToString(given, CultureInfo.InvariantCulture)),
            _ => table.Default ?? Connect(table),
        };
    }

    private static EngineSession? Connect(SessionTable table)
    {
        using var limit = new CancellationTokenSource(CachedList<string>.Budget);
        var connecting = Task.Run(() => table.GetDefaultAsync(limit.Token), CancellationToken.None);
        try
        {
            return connecting.Wait(CachedList<string>.Budget, CancellationToken.None) ? connecting.GetAwaiter().GetResult() : null;
        }
        catch (AggregateException)
        {
            return null;   // no engine: nothing to offer
        }
    }
}
