using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>How a process gets into a group: files to which it writes its id, and the directory that <c>clone3</c> takes.</summary>
/// <param name="ProcsFiles">
/// <c>cgroup.procs</c> of the v1 hierarchies, open for writing; a process that writes <c>0</c> moves itself in. The memory group comes last: the
/// out-of-memory killer passes over a task that is still in the middle of vfork, so that one should be joined as late as possible.
/// </param>
/// <param name="Directory">The directory of the unified hierarchy, for <c>CLONE_INTO_CGROUP</c> (Linux 5.7); null where none is mounted.</param>
/// <param name="UnifiedProcsFile"><c>cgroup.procs</c> of the unified hierarchy, for a process that exists already; null where none is mounted.</param>
public sealed record CgroupEntry(IReadOnlyList<Fd> ProcsFiles, Fd? Directory, Fd? UnifiedProcsFile) : IDisposable
{
    /// <summary>Moves a process that runs already.</summary>
    /// <exception cref="KernelException">It is gone (<c>ESRCH</c>), or the kernel refuses.</exception>
    public void Join(int processId)
    {
        byte[] text = System.Text.Encoding.ASCII.GetBytes(processId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        foreach (var file in UnifiedProcsFile is null ? ProcsFiles : [.. ProcsFiles, UnifiedProcsFile])
            Syscall.Check(ControlFile.Write(file.Number, text), $"write {processId} to cgroup.procs");
    }

    public void Dispose()
    {
        foreach (var file in ProcsFiles) file.Dispose();
        Directory?.Dispose();
        UnifiedProcsFile?.Dispose();
    }
}
