using System.Diagnostics;

namespace Gantry.Testing;

/// <param name="Output">Standard output, as it came.</param>
internal sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output of a program that must have succeeded, without its last newline.</summary>
    public string Text
    {
        get
        {
            Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}{Output}");
            return Output.TrimEnd('\n');
        }
    }
}

/// <summary>Other programs that tests run.</summary>
internal static class Programs
{
    public static bool IsInstalled(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, name)));

    /// <summary>Why a test that needs programs is skipped; null when all are there.</summary>
    public static string? Lacks(IEnumerable<string> programs) => programs.FirstOrDefault(p => !IsInstalled(p)) is { } missing ? $"{missing} is not installed" : null;

    /// <summary>Runs a program to its end and gives its output; fails when it does.</summary>
    public static string Run(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {error.Result}");
        return output;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="input">Written to its standard input; null gives it none.</param>
    public static async Task<ProgramResult> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, byte[]? input = null, TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want its input.
        }
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end: {await error}");
        }
        return new ProgramResult(process.ExitCode, await output, await error);
    }
}

/// <summary>A test that needs programs of the machine; skipped, with the reason, where one is missing.</summary>
public sealed class NeedsFactAttribute : FactAttribute
{
    public NeedsFactAttribute(params string[] programs) => Skip = Programs.Lacks(programs);
}

/// <summary>As <see cref="NeedsFactAttribute"/>, for a table of cases.</summary>
public sealed class NeedsTheoryAttribute : TheoryAttribute
{
    public NeedsTheoryAttribute(params string[] programs) => Skip = Programs.Lacks(programs);
}
