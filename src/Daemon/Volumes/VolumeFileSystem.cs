using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;

namespace Gantry.Daemon.Volumes;

/// <summary>A file system of its own that a volume's options describe (<c>-o type=tmpfs -o device=tmpfs -o o=size=1m</c>). It is mounted for those that use it, and nowhere else.</summary>
/// <param name="Options">As mount(8) takes them after <c>-o</c>.</param>
/// <param name="MountPoint">The volume's directory, by which messages name it.</param>
internal sealed record VolumeFileSystem(string Type, string Device, string Options, string MountPoint)
{
    /// <exception cref="EngineException">500 in dockerd's words: the kernel does not know the type, has no such device, or refuses an option.</exception>
    public DetachedMount Open()
    {
        MountAttributes attributes = 0;
        var own = new List<string>();
        foreach (string option in Options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            MountAttributes? known = option switch
            {
                "ro" => MountAttributes.ReadOnly,
                "nosuid" => MountAttributes.NoSuid,
                "nodev" => MountAttributes.NoDev,
                "noexec" => MountAttributes.NoExec,
                "noatime" => MountAttributes.NoAccessTime,
                "nodiratime" => MountAttributes.NoDirectoryAccessTime,
                "rw" or "suid" or "dev" or "exec" or "relatime" or "defaults" => MountAttributes.None,
                _ => null,
            };
            if (known is { } flag) attributes |= flag;
            else own.Add(option);
        }
        try
        {
            return DetachedMount.Create(Type, ["source=" + Device, .. own], attributes);
        }
        catch (KernelException e)
        {
            string data = own.Count == 0 ? "" : $", data: {string.Join(',', own)}";
            throw EngineException.System($"error while mounting volume '{MountPoint}': failed to mount local volume: mount {Device}:{MountPoint}{data}: {e.Errno.Describe()}", e);
        }
    }
}
