using System.Globalization;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Containers;

/// <summary>Finds a pipe whose other end nobody holds any more, in the processes that write into it.</summary>
internal static class PipeSearch
{
    /// <param name="pid">A process that has the pipe, or one of its children does.</param>
    /// <param name="inode">The pipe's inode; 0 finds nothing.</param>
    /// <returns>A reading end, not blocking; null when no process has the pipe.</returns>
    public static Fd? Find(int pid, ulong inode)
    {
        if (inode == 0) return null;
        string wanted = string.Create(CultureInfo.InvariantCulture, $"pipe:[{inode}]");
        var seen = new HashSet<int>();
        var waiting = new Queue<int>([pid]);
        while (waiting.TryDequeue(out int next))
        {
            if (!seen.Add(next)) continue;
            try
            {
                string? found = Directory.GetFiles($"/proc/{next}/fd").FirstOrDefault(file => new FileInfo(file).LinkTarget == wanted);
                if (found is not null && OpenFile.TryOpen(found, OpenFlags.ReadOnly | OpenFlags.NonBlocking) is >= 0 and var fd) return new Fd((int)fd);
                foreach (string child in File.ReadAllText($"/proc/{next}/task/{next}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    waiting.Enqueue(int.Parse(child, CultureInfo.InvariantCulture));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended; its children have another parent now.
            }
        }
        return null;
    }
}
