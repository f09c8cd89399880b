using System.Globalization;
using System.Runtime.ExceptionServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;

namespace Gantry.Supervisor.Runtime;

/// <summary>Runs the verbs that start processes from a read-only mount of this executable: a container sees it for an instant as <c>/proc/self/exe</c>, and must not be able to write to it (CVE-2019-5736).</summary>
/// <remarks>
/// The program is executed again in a mount namespace of its own, in which its folder is covered by a read-only copy. Its work is then done by a thread
/// that has gone back to the caller's namespace, so that volumes have their propagation; what stays behind is the file that the kernel names as the executable.
/// </remarks>
internal static unsafe class SealedProgram
{
    private const string Variable = "GANTRY_RUNTIME_MOUNT_NAMESPACE";
    private const int ReadOnlyFileSystem = 1;

    /// <summary>Runs the work, in this process or in what it becomes.</summary>
    public static int Run(string[] arguments, Func<int> work)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { } text && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return RunInCallersNamespace(new Fd(number), work);
        if (IsSealed()) return work();
        Execute(arguments);
        return 1;   // not reached
    }

    private static bool IsSealed()
    {
        using var executable = OpenFile.Open("/proc/self/exe", OpenFlags.PathOnly);
        long* status = stackalloc long[16];
        return Syscall.Call(SyscallNumber.Fstatfs, executable.Number, (nint)status) == 0 && (status[10] & ReadOnlyFileSystem) != 0;
    }

    private static int RunInCallersNamespace(Fd mountNamespace, Func<int> work)
    {
        Environment.SetEnvironmentVariable(Variable, null);
        int code = 1;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                const int shareNoFileSystem = 0x200;
                Syscall.Check(Syscall.Call(SyscallNumber.Unshare, shareNoFileSystem), "unshare the working directory");
                string here = Environment.CurrentDirectory;
                Syscall.Check(Syscall.Call(SyscallNumber.Setns, mountNamespace.Number, (nint)CloneFlags.NewMount), "return to the caller's mounts");
                using (var name = new CString(here, stackalloc byte[512]))
                {
                    fixed (byte* p = name) Syscall.Check(Syscall.Call(SyscallNumber.Chdir, (nint)p), $"chdir {here}");
                }
                mountNamespace.Dispose();
                code = work();
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, 16 << 20);
        thread.Start();
        thread.Join();
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        return code;
    }

    private static void Execute(string[] arguments)
    {
        const long recursiveSlave = (1 << 14) | (1 << 19);
        string home = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory), executable = Path.Combine(home, "gantryd");
        using var caller = OpenFile.ReadOnly("/proc/thread-self/ns/mnt");
        using var tree = DetachedMount.Clone(home, recursive: true);
        tree.SetAttributes(MountAttributes.ReadOnly, 0, 0, recursive: true, "make the program's directory read-only");
        using var program = new ChildProgram();   // its memory holds the strings
        byte* root = program.Text("/");
        byte* file = program.Text(executable);
        byte* words = program.Texts([RuntimeRole.Name, .. arguments]);
        byte* variables = program.Texts([.. Variables(), string.Create(CultureInfo.InvariantCulture, $"{Variable}={caller.Number}")]);
        Syscall.Check(Syscall.Call(SyscallNumber.Unshare, (nint)CloneFlags.NewMount), "unshare the mount namespace");
        Syscall.Check(Syscall.Call(SyscallNumber.Mount, 0, (nint)root, 0, (nint)recursiveSlave, 0), "receive mounts from the host");
        tree.AttachAt(home);
        Syscall.Check(Syscall.Call(SyscallNumber.Fcntl, caller.Number, 2 /* F_SETFD */, 0), "keep the caller's mount namespace");
        Syscall.Check(Syscall.Call(SyscallNumber.Execve, (nint)file, (nint)words, (nint)variables), $"exec {executable}");
    }

    private static IEnumerable<string> Variables()
    {
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables()) yield return $"{variable.Key}={variable.Value}";
    }
}
