using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Gantry.Daemon.Options;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Client;

/// <summary>The client as a program: <c>gantry COMMAND [arguments]</c>. It knows no command itself; the engine describes them.</summary>
internal static class ClientRole
{
    /// <returns>0, or 1 when the engine cannot be reached or refuses, or 2 when the command line is wrong.</returns>
    public static int Run(string[] arguments) => RunAsync(arguments).GetAwaiter().GetResult();   // the process's main thread has nothing else to do

    private static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            var options = ClientOptions.Read(arguments, Environment.GetEnvironmentVariable, out var words);
            if (options.ShowVersion) return Print(BuildInfo.VersionLine + "\n");
            if (options.ShowHelp) return Print(HelpText.General);
            if (words.Count == 0) throw new OptionsException("no command was given", usage: true);
            if (words[0] == "help") return await HelpAsync(options, words).ConfigureAwait(false);

            var command = await DescribeAsync(options, words[0]).ConfigureAwait(false);
            if (words.Contains("--help")) return Print(HelpText.Of(command));
            JsonObject commandArguments;
            try
            {
                commandArguments = CommandWords.Read(command, [.. words.Skip(1)]);
            }
            catch (OptionsException e)
            {
                await Console.Error.WriteLineAsync($"{e.Message}\n{HelpText.Of(command)}").ConfigureAwait(false);
                return 2;
            }
            return await RunAsync(options, command, commandArguments).ConfigureAwait(false);
        }
        catch (OptionsException e)
        {
            await Console.Error.WriteLineAsync(e.Usage ? $"{e.Message}\n{HelpText.General}" : e.Message).ConfigureAwait(false);
            return e.Usage ? 2 : 1;
        }
        catch (EngineError e)
        {
            await Console.Error.WriteLineAsync("Error response from daemon: " + e.Message).ConfigureAwait(false);
            return 1;
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException or System.Security.Cryptography.CryptographicException)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }

    /// <summary>The engine refused; the text is its own.</summary>
    private sealed class EngineError(string message, int status) : Exception(message)
    {
        public int Status { get; } = status;
    }

    private static int Print(string text)
    {
        Console.Out.Write(text);
        return 0;
    }

    private static async Task<int> HelpAsync(ClientOptions options, IReadOnlyList<string> words)
    {
        if (words.Count > 1) return Print(HelpText.Of(await DescribeAsync(options, words[1]).ConfigureAwait(false)));
        return Print(HelpText.List(await GetAsync(options, "/engine/commands", WireJson.TypeInfo<List<CommandDescription>>()).ConfigureAwait(false)));
    }

    private static async Task<CommandDescription> DescribeAsync(ClientOptions options, string name)
    {
        if (name.AsSpan().ContainsAny("/?#% ")) throw new OptionsException($"{name}: command not found", usage: true);
        try
        {
            return await GetAsync(options, "/engine/commands/" + name, WireJson.TypeInfo<CommandDescription>()).ConfigureAwait(false);
        }
        catch (EngineError e) when (e.Status == 404)
        {
            throw new OptionsException(e.Message, usage: true);
        }
    }

    private static async Task<T> GetAsync<T>(ClientOptions options, string path, JsonTypeInfo<T> type)
    {
        using var connection = await EngineConnection.OpenAsync(options, CancellationToken.None).ConfigureAwait(false);
        var answer = await connection.SendAsync("GET", path, default, null, upgrade: false, CancellationToken.None).ConfigureAwait(false);
        byte[] body = await answer.ReadAllAsync(CancellationToken.None).ConfigureAwait(false);
        ThrowIfRefused(answer, body);
        return JsonSerializer.Deserialize(body, type) ?? throw new IOException("the engine's answer is empty");
    }

    private static void ThrowIfRefused(EngineAnswer answer, byte[] body)
    {
        if (answer.Status < 400) return;
        string message;
        try
        {
            message = JsonSerializer.Deserialize(body, WireJson.TypeInfo<ErrorResponse>())?.Message ?? "";
        }
        catch (JsonException)
        {
            message = System.Text.Encoding.UTF8.GetString(body).Trim();
        }
        throw new EngineError(message.Length > 0 ? message : $"status {answer.Status}", answer.Status);
    }

    private static async Task<int> RunAsync(ClientOptions options, CommandDescription command, JsonObject arguments)
    {
        using var connection = await EngineConnection.OpenAsync(options, CancellationToken.None).ConfigureAwait(false);
        bool sendsStream = command.Parameters.Exists(p => p is { In: "body", Type: "stream" }), twoWay = command.Response.StartsWith("two-way", StringComparison.Ordinal);
        string target = "/engine/commands/" + command.Name;
        EngineAnswer answer;
        if (sendsStream)
        {
            target += "?arguments=" + Uri.EscapeDataString(arguments.ToJsonString());
            answer = await connection.SendAsync("POST", target, default, Console.OpenStandardInput(), upgrade: false, CancellationToken.None).ConfigureAwait(false);
        }
        else
        {
            var body = System.Text.Encoding.UTF8.GetBytes(new JsonObject { ["Arguments"] = arguments }.ToJsonString());
            answer = await connection.SendAsync("POST", target, body, null, twoWay, CancellationToken.None).ConfigureAwait(false);
        }
        if (answer.Status >= 400) ThrowIfRefused(answer, await answer.ReadAllAsync(CancellationToken.None).ConfigureAwait(false));

        await using var output = Console.OpenStandardOutput();
        if (answer.Status == 101) return await TalkAsync(connection, answer, output).ConfigureAwait(false);
        if (command.Response.StartsWith("list of", StringComparison.Ordinal) || IsDocument(command, answer))
        {
            byte[] json = await answer.ReadAllAsync(CancellationToken.None).ConfigureAwait(false);
            if (json.Length > 0) AnswerWriter.WriteJson(json, output, !Console.IsOutputRedirected);
            return 0;
        }
        return await AnswerWriter.CopyAsync(answer.Body, output, CancellationToken.None).ConfigureAwait(false) ? 0 : 1;
    }

    private static bool IsDocument(CommandDescription command, EngineAnswer answer) =>
        !command.Response.StartsWith("stream", StringComparison.Ordinal) && answer.Headers.GetValueOrDefault("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) == true;

    /// <summary>Both directions at once; the engine's end is the end.</summary>
    private static async Task<int> TalkAsync(EngineConnection connection, EngineAnswer answer, Stream output)
    {
        var input = connection.SendRawAsync(Console.OpenStandardInput(), CancellationToken.None);
        await AnswerWriter.CopyAsync(answer.Body, output, CancellationToken.None).ConfigureAwait(false);
        if (input.IsCompleted) await input.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }
}
