using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Makes and finds groups.</summary>
public interface ICgroupDriver : IDisposable
{
    CgroupLayout Layout { get; }

    /// <summary>Which limits this machine's kernel can set.</summary>
    CgroupFeatures Features { get; }

    /// <summary>Makes a new, empty group in every hierarchy. A left-over of the same path is replaced when nothing runs in it.</summary>
    /// <param name="path">From the root of the hierarchies: <c>/gantry/4f2a…</c>. Missing parents are made too.</param>
    /// <exception cref="KernelException"><c>EBUSY</c> when processes are in a group of that path; what else the kernel refuses.</exception>
    ICgroup Create(string path);

    /// <summary>A group that systemd has made for its unit. Hierarchies in which systemd makes none (of v1: <c>cpuset</c>, <c>freezer</c>) get it here.</summary>
    /// <exception cref="KernelException">What the kernel refuses.</exception>
    ICgroup Adopt(string path);

    /// <summary>A group that exists (or once existed: its operations then fail one by one).</summary>
    ICgroup Open(string path);
}
