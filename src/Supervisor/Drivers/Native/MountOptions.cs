using Gantry.Linux.Mounts;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>The options of one mount of the spec, sorted by who takes them: the mount itself, its propagation, or the file system.</summary>
/// <remarks>Names and meaning: OCI runtime spec, config-linux "Mounts" and mount(8).</remarks>
internal sealed record MountOptions
{
    public bool Bind { get; private set; }

    /// <summary>A bind takes the mounts below it along.</summary>
    public bool Recursive { get; private set; }

    public MountAttributes Set { get; private set; }

    public MountAttributes Clear { get; private set; }

    /// <summary>Like <see cref="Set"/>, for the whole tree (<c>rro</c>, <c>rnosuid</c>, …).</summary>
    public MountAttributes SetRecursive { get; private set; }

    public MountAttributes ClearRecursive { get; private set; }

    public MountPropagation Propagation { get; private set; }

    public bool PropagationRecursive { get; private set; }

    /// <summary>The file system's own options, as mount(8) writes them after <c>-o</c>.</summary>
    public string Data { get; private set; } = "";

    /// <summary><see cref="Data"/> option by option.</summary>
    public IReadOnlyList<string> DataOptions { get; private set; } = [];

    public static MountOptions Parse(IReadOnlyList<string>? options)
    {
        var parsed = new MountOptions();
        var data = new List<string>();
        foreach (string option in options ?? [])
        {
            if (!parsed.TakeFlag(option) && !parsed.TakePropagation(option) && option is not ("defaults" or "" or "async" or "tmpcopyup")) data.Add(option);
        }
        parsed.DataOptions = data;
        parsed.Data = string.Join(',', data);
        return parsed;
    }

    private bool TakePropagation(string option)
    {
        (MountPropagation Kind, bool Recursive)? found = option switch
        {
            "private" => (MountPropagation.Private, false),
            "rprivate" => (MountPropagation.Private, true),
            "slave" => (MountPropagation.Slave, false),
            "rslave" => (MountPropagation.Slave, true),
            "shared" => (MountPropagation.Shared, false),
            "rshared" => (MountPropagation.Shared, true),
            "unbindable" => (MountPropagation.Unbindable, false),
            "runbindable" => (MountPropagation.Unbindable, true),
            _ => null,
        };
        if (found is not { } propagation) return false;
        (Propagation, PropagationRecursive) = propagation;
        return true;
    }

    private bool TakeFlag(string option)
    {
        switch (option)
        {
            case "bind":
                Bind = true;
                return true;
            case "rbind":
                Bind = Recursive = true;
                return true;
        }
        bool whole = option.Length > 1 && option[0] == 'r' && option is not ("ro" or "rw" or "relatime" or "remount");
        string name = whole ? option[1..] : option;
        switch (name)
        {
            case "ro": return On(MountAttributes.ReadOnly, whole);
            case "rw": return Off(MountAttributes.ReadOnly, whole);
            case "nosuid": return On(MountAttributes.NoSuid, whole);
            case "suid": return Off(MountAttributes.NoSuid, whole);
            case "nodev": return On(MountAttributes.NoDev, whole);
            case "dev": return Off(MountAttributes.NoDev, whole);
            case "noexec": return On(MountAttributes.NoExec, whole);
            case "exec": return Off(MountAttributes.NoExec, whole);
            case "noatime": return AccessTime(MountAttributes.NoAccessTime, whole);
            case "relatime": return AccessTime(0, whole);
            case "strictatime": return AccessTime(MountAttributes.StrictAccessTime, whole);
            case "nodiratime": return On(MountAttributes.NoDirectoryAccessTime, whole);
            case "diratime": return Off(MountAttributes.NoDirectoryAccessTime, whole);
            case "nosymfollow": return On(MountAttributes.NoSymlinkFollow, whole);
            case "symfollow": return Off(MountAttributes.NoSymlinkFollow, whole);
            default: return false;
        }
    }

    private bool On(MountAttributes attribute, bool whole)
    {
        if (whole) (SetRecursive, ClearRecursive) = (SetRecursive | attribute, ClearRecursive & ~attribute);
        else (Set, Clear) = (Set | attribute, Clear & ~attribute);
        return true;
    }

    private bool Off(MountAttributes attribute, bool whole)
    {
        if (whole) (SetRecursive, ClearRecursive) = (SetRecursive & ~attribute, ClearRecursive | attribute);
        else (Set, Clear) = (Set & ~attribute, Clear | attribute);
        return true;
    }

    private bool AccessTime(MountAttributes setting, bool whole)
    {
        Off(MountAttributes.AccessTimeMask, whole);
        return setting == 0 || On(setting, whole) && (whole ? ClearRecursive |= MountAttributes.AccessTimeMask : Clear |= MountAttributes.AccessTimeMask) != 0;
    }

    /// <summary>The flags of mount(2) that say the same as <see cref="Set"/>.</summary>
    public long MountFlags
    {
        get
        {
            long flags = 0;
            if (Set.HasFlag(MountAttributes.ReadOnly)) flags |= 1;
            if (Set.HasFlag(MountAttributes.NoSuid)) flags |= 2;
            if (Set.HasFlag(MountAttributes.NoDev)) flags |= 4;
            if (Set.HasFlag(MountAttributes.NoExec)) flags |= 8;
            if (Set.HasFlag(MountAttributes.NoAccessTime)) flags |= 1024;
            if (Set.HasFlag(MountAttributes.NoDirectoryAccessTime)) flags |= 2048;
            if (Set.HasFlag(MountAttributes.StrictAccessTime)) flags |= 1 << 24;
            if (Set.HasFlag(MountAttributes.NoSymlinkFollow)) flags |= 256;
            return flags;
        }
    }
}
