using System.Runtime.InteropServices;

namespace Gantry.Linux.Security;

/// <summary>The part of libseccomp's interface that is used (<c>seccomp.h</c>; seccomp_init(3) and its neighbours).</summary>
internal static unsafe partial class LibSeccomp
{
    private const string Library = "libseccomp.so.2";

    /// <summary>What resolving a name that the library does not know gives.</summary>
    public const int UnknownSyscall = -1;

    public const uint ActionKillProcess = 0x80000000, ActionKillThread = 0, ActionTrap = 0x00030000, ActionErrno = 0x00050000,
        ActionTrace = 0x7FF00000, ActionLog = 0x7FFC0000, ActionAllow = 0x7FFF0000;

    public const int AttributeBadArchitecture = 2, AttributeNoNewPrivileges = 3, AttributeOptimize = 8;

    [StructLayout(LayoutKind.Sequential)]
    public struct ArgumentComparison
    {
        public uint Argument;
        public int Operator;
        public ulong DatumA, DatumB;
    }

    [DllImport(Library, EntryPoint = "seccomp_init")]
    public static extern nint Init(uint defaultAction);

    [DllImport(Library, EntryPoint = "seccomp_release")]
    public static extern void Release(nint filter);

    [DllImport(Library, EntryPoint = "seccomp_attr_set")]
    public static extern int SetAttribute(nint filter, int attribute, uint value);

    [DllImport(Library, EntryPoint = "seccomp_arch_native")]
    public static extern uint NativeArchitecture();

    [DllImport(Library, EntryPoint = "seccomp_arch_resolve_name")]
    public static extern uint ResolveArchitecture(byte* name);

    [DllImport(Library, EntryPoint = "seccomp_arch_add")]
    public static extern int AddArchitecture(nint filter, uint architecture);

    [DllImport(Library, EntryPoint = "seccomp_arch_remove")]
    public static extern int RemoveArchitecture(nint filter, uint architecture);

    [DllImport(Library, EntryPoint = "seccomp_syscall_resolve_name")]
    public static extern int ResolveSyscall(byte* name);

    [DllImport(Library, EntryPoint = "seccomp_syscall_resolve_name_arch")]
    public static extern int ResolveSyscall(uint architecture, byte* name);

    [DllImport(Library, EntryPoint = "seccomp_rule_add_array")]
    public static extern int AddRule(nint filter, uint action, int syscall, uint count, ArgumentComparison* arguments);

    [DllImport(Library, EntryPoint = "seccomp_export_bpf")]
    public static extern int ExportBpf(nint filter, int fd);
}
