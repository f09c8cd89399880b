using System.Collections;
using System.Management.Automation;
using System.Text.Json;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Runs any command of the engine by its name, with whatever arguments the engine says that it takes.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "EngineCommand", SupportsShouldProcess = true)]
[OutputType(typeof(PSObject), typeof(string), typeof(EngineJob))]
public sealed class InvokeEngineCommandCommand : EngineCmdlet, IRunsAsJob
{
    private const string MultiplexedType = "application/vnd.docker.multiplexed-stream";

    /// <summary>The command: an object or a name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Command")]
    [ArgumentCompleter(typeof(CommandCompleter))]
    public EngineCommandReference[] Name { get; set; } = [];

    /// <summary>The arguments: a hashtable of names and values, or values in the order of the command's positions.</summary>
    [Parameter(Position = 1, ValueFromRemainingArguments = true)]
    [Alias("ArgumentList")]
    [AllowNull]
    public object[]? Argument { get; set; }

    /// <summary>Return at once with the engine's job; Wait-EngineJob gives its result.</summary>
    [Parameter]
    public SwitchParameter Detach { get; set; }

    /// <summary>Most seconds to wait for the end; 0 is no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var reference in Name)
        {
            if (await FindAsync(reference, cancellation) is not { } command) continue;
            if (command.Permission != "read" && !ShouldProcess(command.Name, "Run the engine command")) continue;
            var request = new CommandRunRequest { Arguments = Named(command), Detach = Detach };
            await SubmitInOrderAsync(command.Name, token => WithinAsync(TimeoutSec, $"The engine command {command.Name}", limited => RunAsync(command, request, limited), token), cancellation);
        }
    }

    private async Task<EngineCommand?> FindAsync(EngineCommandReference reference, CancellationToken cancellation)
    {
        if (reference.Command is not null && Session is null) return reference.Command;
        var session = await SessionForAsync(null, cancellation);
        try
        {
            return new EngineCommand(await session.Client.ReadCommandAsync(reference.Name, cancellation), session);
        }
        catch (ContainerEngineException e)
        {
            WriteError(ErrorRecords.From(e, reference.Name));
            return null;
        }
    }

    /// <summary>Hashtables by name; other values take the command's positions in turn.</summary>
    private Dictionary<string, JsonElement> Named(EngineCommand command)
    {
        var named = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        var positions = new Queue<EngineCommandParameter>(command.Parameters.Where(p => p.Position >= 0).OrderBy(p => p.Position));
        foreach (object? item in Argument ?? [])
        {
            object? value = item is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : item;
            if (value is IDictionary table)
            {
                foreach (DictionaryEntry entry in table) named[Objects.Specs.Pairs.Text(entry.Key)] = JsonValues.FromPowerShell(entry.Value);
            }
            else if (positions.TryDequeue(out var parameter))
            {
                named[parameter.Name] = JsonValues.FromPowerShell(value);
            }
            else
            {
                throw new PSArgumentException($"The engine command {command.Name} has no place for the argument '{value}'. It takes: {string.Join(' ', command.Parameters.Select(p => p.ToString()))}.");
            }
        }
        return named;
    }

    private async Task RunAsync(EngineCommand command, CommandRunRequest request, CancellationToken cancellation)
    {
        using var response = await command.Session.Client.RunCommandAsync(command.Name, request, cancellation);
        using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        string? type = response.Content.Headers.ContentType?.MediaType;
        if (Detach) WriteJob(await ParseAsync(stream, command, cancellation), command.Session);
        else if (command.Response.StartsWith("stream", StringComparison.OrdinalIgnoreCase)) await OutputReader.ReadAsync(stream, new OutputDecoder(type == MultiplexedType), WriteLine, cancellation);
        else if (response.Content.Headers.ContentLength is not 0 && (int)response.StatusCode is not (204 or 304)) await WriteAnswerAsync(stream, command, cancellation);
    }

    private async Task WriteAnswerAsync(Stream stream, EngineCommand command, CancellationToken cancellation)
    {
        object? value = JsonValues.ToPowerShell(await ParseAsync(stream, command, cancellation));
        foreach (object? item in value as object?[] ?? [value])
        {
            if (item is PSObject custom) custom.TypeNames.Insert(0, $"Gantry.EngineCommandResult#{command.Name}");
            WriteObject(item);
        }
    }

    private void WriteJob(JsonElement answer, EngineSession session) =>
        WriteObject(new EngineJob(answer.Deserialize(WireJson.TypeInfo<JobDescription>()) ?? new JobDescription(), session));

    private static async Task<JsonElement> ParseAsync(Stream stream, EngineCommand command, CancellationToken cancellation)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(stream, WireJson.TypeInfo<JsonElement>(), cancellation);
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw EngineClient.Translate(e, $"POST /engine/commands/{command.Name}");
        }
    }

    /// <summary>A line of a stream: an object where it is JSON, else text.</summary>
    private void WriteLine(OutputLine line)
    {
        if (line.Text.Length == 0) return;
        if (line.Text[0] == '{')
        {
            try
            {
                using var document = JsonDocument.Parse(line.Text);
                WriteObject(JsonValues.ToPowerShell(document.RootElement));
                return;
            }
            catch (JsonException)
            {
                // It only looks like JSON.
            }
        }
        WriteObject(line.Text);
    }
}
