using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>An OCI runtime as a program: verbs in, an exit code and a log out (<c>runc --help</c>; the command line that runc, crun and others share).</summary>
/// <param name="Command">Path and arguments, as configured.</param>
/// <param name="StateRoot">Where it keeps its own state: <c>--root</c>.</param>
/// <param name="Hidden">Mount points that it is not to see.</param>
internal sealed record RuntimeProgram(IReadOnlyList<string> Command, string StateRoot, IReadOnlyList<string> Hidden)
{
    /// <summary>Runs a verb to its end.</summary>
    /// <param name="verb">The verb and its arguments.</param>
    /// <param name="workFolder">For its log and its words.</param>
    /// <param name="streams">The new process's own standard streams; null where there is none, or where it has a terminal.</param>
    /// <param name="mounts">Detached mounts, and where the runtime is to find them.</param>
    /// <param name="command">First word of the process that it is to start.</param>
    /// <exception cref="DriverException">It failed: with its own words.</exception>
    public void Run(IReadOnlyList<string> verb, string workFolder, ChildStdio? streams = null, IReadOnlyList<(Fd, string)>? mounts = null, string? command = null)
    {
        string log = Path.Combine(workFolder, $"{verb[0]}-{Guid.NewGuid():n}.log"), words = log + ".err";
        try
        {
            int code;
            using (var errors = OpenFile.Open(words, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, 0x180))
            {
                var program = new HostProgram
                {
                    Command = [.. Command, "--root", StateRoot, "--log", log, "--log-format", "json", .. verb],
                    Stdin = streams?.Stdin,
                    Stdout = streams is null ? errors : streams.Stdout,
                    Stderr = streams is null ? errors : streams.Stderr,
                    Mounts = mounts ?? [],
                    Hidden = Hidden,
                };
                using var process = program.Start();
                code = process.Wait()!.Value.Code;
            }
            if (code == 0) return;
            throw new DriverException(RuntimeFailure.Describe(Read(log), Read(words), $"{Command[0]} {verb[0]} ended with code {code} and gave no reason", Began(verb[0]), command));
        }
        finally
        {
            File.Delete(log);
            File.Delete(words);
        }
    }

    private string Began(string verb) => verb == "exec" ? "exec failed" : $"{Path.GetFileName(Command[0])} {verb} failed";

    private static string Read(string path) => File.Exists(path) ? File.ReadAllText(path) : "";
}
