using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Mounts;

/// <summary>Steps of child programs that mount overlays in the child's own namespace and put a mount that is attached nowhere into a slot.</summary>
internal static unsafe class OverlaySteps
{
    private const int MaxData = 4095;

    /// <param name="lower">Directories of the layers, topmost first.</param>
    /// <param name="options"><c>key=value</c>, or <c>key</c> for a flag.</param>
    public static void MountOverlay(this ChildProgram program, IReadOnlyList<string> lower, IReadOnlyList<string> options, ChildProgram.Slot mount)
    {
        const int setFlag = 0, setString = 1, create = 6, closeOnExec = 1;
        var context = program.NewSlot();
        void Set(string key, string value) => program.Call($"mount overlay, option {key}={value}", SyscallNumber.Fsconfig, context, setString, program.Text(key), program.Text(value), 0);
        program.Call("fsopen overlay", SyscallNumber.Fsopen, program.Text("overlay"), closeOnExec).Into(context);
        Set("source", "overlay");
        foreach (string layer in lower) Set("lowerdir+", layer);
        foreach (string option in options)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) program.Call($"mount overlay, option {option}", SyscallNumber.Fsconfig, context, setFlag, program.Text(option), 0, 0);
            else Set(option[..equals], option[(equals + 1)..]);
        }
        program.Call("mount overlay", SyscallNumber.Fsconfig, context, create, 0, 0, 0);
        program.Call("mount overlay", SyscallNumber.Fsmount, context, closeOnExec, 0).Into(mount);
        program.Call("close", SyscallNumber.Close, context);
    }

    /// <summary>The same with mount(2), before Linux 6.8.</summary>
    /// <exception cref="KernelException"><c>E2BIG</c>: the options are more than a page.</exception>
    public static void MountOverlayByPage(this ChildProgram program, IReadOnlyList<string> lower, IReadOnlyList<string> options, ChildProgram.Slot mount)
    {
        const int cloneTree = 1;
        string data = string.Join(',', options.Append("lowerdir=" + string.Join(':', lower)));
        if (data.Length > MaxData) throw new KernelException($"mount overlay: {lower.Count} layers do not fit into one page of options before Linux 6.8 (this is {Environment.OSVersion.Version})", Errno.E2BIG);
        byte* place = program.Text("/tmp");
        program.Call("mount overlay", SyscallNumber.Mount, program.Text("overlay"), place, program.Text("overlay"), 0, program.Text(data));
        program.Call("clone the overlay", SyscallNumber.OpenTree, OpenFile.CurrentDirectory, place, cloneTree | (int)OpenFlags.CloseOnExec).Into(mount);
    }
}
