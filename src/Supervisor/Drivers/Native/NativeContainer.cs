using Gantry.Linux.Cgroups;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Native.Checkpoints;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>A container that is held by the kernel's means alone: its group, its namespaces, its processes.</summary>
internal class NativeContainer(PidFd init, ICgroup cgroup, ContainerState state) : CgroupContainer(init, cgroup, state)
{
    public override PidFd Exec(ExecRequest request, ChildStdio stdio) => NativeProcess.Exec(this, request, stdio);

    public override void SetPaused(bool paused)
    {
        if (paused) Cgroup.FreezeAsync(CancellationToken.None).GetAwaiter().GetResult();   // on a worker thread of its own
        else Cgroup.Thaw();
    }

    public override void Checkpoint(CheckpointRequest request) => NativeCheckpoint.Dump(request, State, Init);

    public override void Update(ResourcesSpec resources) => Cgroup.Apply(CgroupTranslation.Limits(resources));
}
