using System.Text.Json;
using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Containers;

/// <summary>The durable record of a container's end: written, synced and renamed into place before anyone is told.</summary>
public static class ExitFile
{
    public static unsafe void Write(string path, ExitNotice notice)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(notice, SupervisorJson.Default.ExitNotice);
        string temporary = path + ".tmp";
        using (var file = OpenFile.Open(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, 0x180))
        {
            fixed (byte* p = json) Syscall.Check(Syscall.CallRestarting(SyscallNumber.Write, file.Number, (nint)p, json.Length), $"write {temporary}");
            Syscall.Check(Syscall.CallRestarting(SyscallNumber.Fdatasync, file.Number), $"sync {temporary}");
        }
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Null when there is none, or when it is not whole.</summary>
    public static ExitNotice? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), SupervisorJson.Default.ExitNotice);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }
}
