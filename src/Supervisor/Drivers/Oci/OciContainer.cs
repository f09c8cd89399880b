using System.Text.Json;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>A container that an OCI runtime has made.</summary>
internal sealed class OciContainer(RuntimeProgram runtime, PidFd init, ICgroup cgroup, ContainerState state) : CgroupContainer(init, cgroup, state)
{
    private string Folder => State.StateDirectory;

    public override PidFd Exec(ExecRequest request, ChildStdio stdio)
    {
        bool terminal = request.Process.Terminal;
        string name = request.Exec.Length > 12 ? request.Exec[..12] : request.Exec;
        string processFile = Path.Combine(Folder, $"exec-{name}.json"), pidFile = Path.Combine(Folder, $"exec-{name}.pid");
        using var console = terminal ? new ConsoleListener(Folder, $"exec-{name}.tty") : null;
        try
        {
            File.WriteAllBytes(processFile, JsonSerializer.SerializeToUtf8Bytes(request.Process, OciJson.Default.ProcessSpec));
            List<string> verb = ["exec", "--detach", "--process", processFile, "--pid-file", pidFile];
            if (console is not null) verb.AddRange(["--console-socket", console.Path]);
            runtime.Run([.. verb, State.Container], Folder, terminal ? null : stdio, command: request.Process.Args[0]);
            var process = PidFd.Open(OciDriver.ReadPid(pidFile));
            console?.Forward(stdio.ConsoleSocket!, request.Process.ConsoleSize);
            return process;
        }
        finally
        {
            File.Delete(processFile);
            File.Delete(pidFile);
        }
    }

    public override void SetPaused(bool paused) => runtime.Run([paused ? "pause" : "resume", State.Container], Folder);

    public override void Update(ResourcesSpec resources)
    {
        string file = Path.Combine(Folder, $"resources-{Guid.NewGuid():n}.json");
        try
        {
            File.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(resources, OciJson.Default.ResourcesSpec));
            runtime.Run(["update", "--resources", file, State.Container], Folder);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public override void Delete()
    {
        try
        {
            runtime.Run(["delete", "--force", State.Container], Folder);
        }
        finally
        {
            base.Delete();
        }
    }
}
