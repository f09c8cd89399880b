using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Gantry.Linux.Security;

/// <summary>A set of capabilities: bit n stands for capability n, as <c>/proc/PID/status</c> and <c>capset</c> have it.</summary>
public readonly record struct CapabilitySet(ulong Bits)
{
    private static readonly string[] NamesByNumber =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
        "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
        "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ];

    public static readonly CapabilitySet None;

    /// <summary>All that both this kernel (<c>/proc/sys/kernel/cap_last_cap</c>) and Gantry know.</summary>
    public static CapabilitySet Supported { get; } = new((1UL << (Math.Min(LastCapability(), NamesByNumber.Length - 1) + 1)) - 1);

    /// <summary>What this process may hand on: its bounding set as it was at start.</summary>
    public static CapabilitySet Held { get; } = ReadHeld();

    public int Count => BitOperations.PopCount(Bits);

    public bool Contains(Capability capability) => (Bits >> (int)capability & 1) != 0;

    public bool ContainsAll(CapabilitySet others) => (others.Bits & ~Bits) == 0;

    /// <summary>Names with <c>CAP_</c>, in the order of their numbers.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            var names = new List<string>(Count);
            for (int i = 0; i < NamesByNumber.Length; i++)
                if ((Bits >> i & 1) != 0) names.Add(NamesByNumber[i]);
            return names;
        }
    }

    /// <summary>The name with <c>CAP_</c>.</summary>
    public static string NameOf(Capability capability) => NamesByNumber[(int)capability];

    public static CapabilitySet operator |(CapabilitySet left, CapabilitySet right) => new(left.Bits | right.Bits);

    public static CapabilitySet operator &(CapabilitySet left, CapabilitySet right) => new(left.Bits & right.Bits);

    public static CapabilitySet operator -(CapabilitySet left, CapabilitySet right) => new(left.Bits & ~right.Bits);

    public static CapabilitySet Of(params ReadOnlySpan<Capability> capabilities)
    {
        ulong bits = 0;
        foreach (var capability in capabilities) bits |= 1UL << (int)capability;
        return new CapabilitySet(bits);
    }

    /// <summary>The set of some names.</summary>
    /// <exception cref="FormatException">One of them is none; the message is that name.</exception>
    public static CapabilitySet Parse(IEnumerable<string> names)
    {
        var set = None;
        foreach (string name in names) set |= TryParse(name, out var one) ? one : throw new FormatException(name);
        return set;
    }

    /// <summary>Reads a name in any case, with or without <c>CAP_</c>; <c>ALL</c> is everything that this kernel supports.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out CapabilitySet set)
    {
        set = None;
        if (name is null) return false;
        if (name.Equals("ALL", StringComparison.OrdinalIgnoreCase) || name.Equals("CAP_ALL", StringComparison.OrdinalIgnoreCase))
        {
            set = Supported;
            return true;
        }
        string full = name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? name : "CAP_" + name;
        int number = Array.FindIndex(NamesByNumber, n => n.Equals(full, StringComparison.OrdinalIgnoreCase));
        if (number < 0) return false;
        set = new CapabilitySet(1UL << number);
        return true;
    }

    public override string ToString() => string.Join(' ', Names);

    private static int LastCapability() =>
        int.TryParse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int last) ? last : 40;

    private static CapabilitySet ReadHeld()
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
            if (line.StartsWith("CapBnd:", StringComparison.Ordinal)) return new CapabilitySet(ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) & Supported;
        return None;
    }
}
