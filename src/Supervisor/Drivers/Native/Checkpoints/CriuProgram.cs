using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native.Checkpoints;

/// <summary>criu as a program (criu(8)): it writes the processes of a container down, and makes them anew.</summary>
/// <param name="Path">The program.</param>
/// <param name="WorkFolder">For its log.</param>
internal sealed record CriuProgram(string Path, string WorkFolder)
{
    /// <summary>Runs a verb to its end.</summary>
    /// <param name="prepare">Adds what the program needs from here to its start.</param>
    /// <exception cref="DriverException">It failed: with the errors of its log.</exception>
    public void Run(string verb, IReadOnlyList<string> arguments, Func<HostProgram, HostProgram>? prepare = null)
    {
        Directory.CreateDirectory(WorkFolder);
        string log = System.IO.Path.Combine(WorkFolder, verb + ".log"), words = log + ".err";
        File.Delete(log);
        int code;
        using (var errors = OpenFile.Open(words, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, 0x180))
        {
            var program = new HostProgram
            {
                Command = [Path, verb, "--work-dir", WorkFolder, "--log-file", log, "-v4", .. arguments],
                Stdout = errors,
                Stderr = errors,
            };
            if (prepare is not null) program = prepare(program);
            using var process = program.Start();
            code = process.Wait()!.Value.Code;
        }
        if (code != 0) throw new DriverException(new Failure { Message = $"criu {verb} failed: {Reason(log, words)}; its log is {log}" });
    }

    /// <summary>The first errors of the log are the cause; the later ones follow from them.</summary>
    private static string Reason(string log, string words)
    {
        const int shown = 3;
        var lines = File.Exists(log) ? File.ReadLines(log).Where(l => l.Contains("Error (", StringComparison.Ordinal)).Select(l => l[l.IndexOf("Error (", StringComparison.Ordinal)..].Trim()).Take(shown).ToList() : [];
        if (lines.Count == 0 && File.Exists(words)) lines = [.. File.ReadLines(words).Where(l => l.Trim().Length > 0).Take(shown)];
        return lines.Count == 0 ? "it gave no reason" : string.Join(" / ", lines);
    }
}
