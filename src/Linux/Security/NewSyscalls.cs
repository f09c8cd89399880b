using System.Text;

namespace Gantry.Linux.Security;

/// <summary>
/// Puts a few instructions in front of a filter for the calls that libseccomp does not know yet: one that the profile names and allows without a
/// condition is let through by number, and one beyond everything in the profile fails with ENOSYS.
/// </summary>
/// <remarks>
/// A filter that answers EPERM to a call which was invented after the profile makes C libraries give up where they would fall back on ENOSYS; OCI
/// runtimes therefore do the same. From number 424 on all architectures count alike (kernel: <c>scripts/syscall.tbl</c>).
/// </remarks>
internal static unsafe class NewSyscalls
{
    private const uint X86_64 = 0xC000003E, X32 = 0x4000003E, X32Bit = 0x40000000, MachineMips = 8;
    private const ushort LoadWord = 0x20, JumpAlways = 0x05, JumpIfEqual = 0x15, JumpIfGreater = 0x25, JumpIfAtLeast = 0x35, Return = 0x06;
    private const uint NumberOffset = 0, ArchitectureOffset = 4;   // struct seccomp_data
    private const uint Enosys = LibSeccomp.ActionErrno | 38;

    private static readonly Dictionary<string, uint> Numbers = new(StringComparer.Ordinal)
    {
        ["futex_waitv"] = 449, ["set_mempolicy_home_node"] = 450, ["cachestat"] = 451, ["fchmodat2"] = 452, ["map_shadow_stack"] = 453,
        ["futex_wake"] = 454, ["futex_wait"] = 455, ["futex_requeue"] = 456, ["statmount"] = 457, ["listmount"] = 458, ["lsm_get_self_attr"] = 459,
        ["lsm_set_self_attr"] = 460, ["lsm_list_modules"] = 461, ["mseal"] = 462, ["setxattrat"] = 463, ["getxattrat"] = 464, ["listxattrat"] = 465,
        ["removexattrat"] = 466, ["open_tree_attr"] = 467, ["file_getattr"] = 468, ["file_setattr"] = 469,
    };

    /// <summary>A call of x86-64 alone, which has no number in the common range: the return probe's way into the kernel.</summary>
    private const string ReturnProbe = "uretprobe";
    private const uint ReturnProbeNumber = 335;

    public static FilterInstruction[] Prepend(FilterInstruction[] filter, SeccompProfile profile, uint[] architectures, uint defaultAction)
    {
        // A filter that lets through what it does not know is right as it is, and so is one that says ENOSYS already.
        if (defaultAction is LibSeccomp.ActionAllow or LibSeccomp.ActionLog or Enosys) return filter;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var allowed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in profile.Syscalls ?? [])
        {
            names.UnionWith(rule.Names);
            if (rule.Action == "SCMP_ACT_ALLOW" && rule.Args is not { Count: > 0 }) allowed.UnionWith(rule.Names);
        }

        var blocks = new List<(uint Token, FilterInstruction[] Code)>();
        foreach (uint architecture in architectures.Where(a => a != X32))
        {
            FilterInstruction[] own = Decide(architecture, 0, names, allowed);
            if (architecture == X86_64)
            {
                // x32 programs come with the same token and a bit in the number.
                FilterInstruction[] x32 = architectures.Contains(X32) ? Decide(X32, X32Bit, names, allowed) : [];
                own = [new FilterInstruction(JumpIfAtLeast, 0, checked((byte)(x32.Length + 1)), X32Bit), .. x32, new FilterInstruction(JumpAlways, 0, 0, (uint)own.Length), .. own];
            }
            blocks.Add((architecture, own));
        }
        return Assemble(blocks, filter);
    }

    /// <summary>For a call's number in the accumulator: returns, or runs on behind the last instruction.</summary>
    private static FilterInstruction[] Decide(uint architecture, uint bit, HashSet<string> names, HashSet<string> allowed)
    {
        uint largest = 0;
        foreach (string name in names) largest = Math.Max(largest, (uint)Math.Max(0, Resolve(architecture, name) & ~(int)bit));
        var code = new List<FilterInstruction>();
        if (architecture == X86_64 && allowed.Contains(ReturnProbe) && Resolve(architecture, ReturnProbe) == LibSeccomp.UnknownSyscall)
            code.AddRange([new FilterInstruction(JumpIfEqual, 0, 1, ReturnProbeNumber), new FilterInstruction(Return, 0, 0, LibSeccomp.ActionAllow)]);
        bool common = (architecture & 0xFFFF) != MachineMips;   // which counts from 4000, 5000 or 6000
        uint[] unknown = [.. Numbers
            .Where(n => common && n.Value > largest && allowed.Contains(n.Key) && Resolve(architecture, n.Key) == LibSeccomp.UnknownSyscall)
            .Select(n => n.Value).Order()];
        code.Add(new FilterInstruction(JumpIfGreater, 0, (byte)(2 * unknown.Length + 1), largest | bit));
        foreach (uint number in unknown)
            code.AddRange([new FilterInstruction(JumpIfEqual, 0, 1, number | bit), new FilterInstruction(Return, 0, 0, LibSeccomp.ActionAllow)]);
        code.Add(new FilterInstruction(Return, 0, 0, Enosys));
        return [.. code];
    }

    private static int Resolve(uint architecture, string name)
    {
        fixed (byte* p = Encoding.UTF8.GetBytes(name + "\0")) return LibSeccomp.ResolveSyscall(architecture, p);
    }

    private static FilterInstruction[] Assemble(List<(uint Token, FilterInstruction[] Code)> blocks, FilterInstruction[] filter)
    {
        int remaining = blocks.Sum(b => b.Code.Length + 3);
        var program = new List<FilterInstruction>(remaining + 1 + filter.Length) { new(LoadWord, 0, 0, ArchitectureOffset) };
        foreach (var (token, code) in blocks)
        {
            remaining -= code.Length + 3;
            // if (architecture != token) skip the block; load the number; …; jump to the filter
            program.Add(new FilterInstruction(JumpIfEqual, 0, checked((byte)(code.Length + 2)), token));
            program.Add(new FilterInstruction(LoadWord, 0, 0, NumberOffset));
            program.AddRange(code);
            program.Add(new FilterInstruction(JumpAlways, 0, 0, (uint)remaining));
        }
        program.AddRange(filter);
        return [.. program];
    }
}
