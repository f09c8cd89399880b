using System.Diagnostics;
using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

public sealed record TopRequest(string Name, string Arguments);

public sealed partial class ContainerService
{
    /// <summary>The container's processes as the host's <c>ps</c> lists them; default arguments <c>-ef</c> (reference 2.3).</summary>
    public async Task<ContainerTopResponse> TopAsync(TopRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var status = container.Status;
        if (!status.Running) throw EngineException.Conflict($"container {container.Id} is not running");
        if (status.Restarting) throw EngineException.Conflict($"Container {container.Id} is restarting, wait until the container is running");
        string arguments = request.Arguments.Length == 0 ? "-ef" : request.Arguments;
        var pids = GroupOf(container).Processes().ToHashSet();
        string output = await RunPsAsync(arguments, cancellation).ConfigureAwait(false);
        return ParsePs(output, pids);
    }

    private static async Task<string> RunPsAsync(string arguments, CancellationToken cancellation)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo("ps", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)) { RedirectStandardOutput = true, RedirectStandardError = true } };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw EngineException.System("ps: exec: \"ps\": executable file not found in $PATH", e);
        }
        var error = process.StandardError.ReadToEndAsync(cancellation);
        string output = await process.StandardOutput.ReadToEndAsync(cancellation).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        if (process.ExitCode != 0) throw EngineException.System($"ps: {(await error.ConfigureAwait(false)).Trim()}");
        return output;
    }

    /// <summary>Keeps the rows of the wanted processes. The last column takes the rest of its line.</summary>
    internal static ContainerTopResponse ParsePs(string output, IReadOnlySet<int> pids)
    {
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var response = new ContainerTopResponse { Titles = [.. lines.FirstOrDefault("").Split(' ', StringSplitOptions.RemoveEmptyEntries)] };
        int column = response.Titles.IndexOf("PID");
        if (column < 0) throw EngineException.System("Couldn't find PID field in ps output");
        foreach (string line in lines.Skip(1))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length <= column || !int.TryParse(fields[column], NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || !pids.Contains(pid)) continue;
            int last = response.Titles.Count - 1;
            response.Processes.Add(fields.Length <= last ? [.. fields] : [.. fields[..last], string.Join(' ', fields[last..])]);
        }
        return response;
    }
}
