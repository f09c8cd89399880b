using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

/// <summary>Programs that a bundle has run around the container's life, with its state on their standard input (OCI runtime specification, "POSIX-platform Hooks").</summary>
internal static class Hooks
{
    /// <exception cref="RuntimeException">One failed, or took longer than it may.</exception>
    public static void Run(string kind, List<HookSpec>? hooks, StateAnswer state)
    {
        for (int i = 0; i < (hooks?.Count ?? 0); i++) Run($"{kind} hook #{i}", hooks![i], state);
    }

    private static void Run(string name, HookSpec hook, StateAnswer state)
    {
        var start = new ProcessStartInfo(hook.Path) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false, WorkingDirectory = state.Bundle };
        foreach (string argument in (hook.Args ?? []).Skip(1)) start.ArgumentList.Add(argument);   // the first is the program's own name
        start.Environment.Clear();
        foreach (string variable in hook.Env ?? [])
        {
            int equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) start.Environment[variable[..equals]] = variable[(equals + 1)..];
        }
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            try
            {
                process.StandardInput.Write(JsonSerializer.Serialize(state, RuntimeJson.Default.StateAnswer));
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It does not read its input.
            }
            if (!process.WaitForExit(hook.Timeout is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan))
            {
                process.Kill(entireProcessTree: true);
                throw new RuntimeException($"error running {name}: hook ran past specified timeout of {hook.Timeout} s");
            }
            if (process.ExitCode != 0) throw new RuntimeException($"error running {name}: exit status {process.ExitCode}, stdout: {output.Result.Trim()}, stderr: {errors.Result.Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new RuntimeException($"error running {name}: {hook.Path}: {e.Message}", e);
        }
    }
}
