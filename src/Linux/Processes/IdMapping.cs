using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>A range of user or group ids: those inside a user namespace, and what they are outside (user_namespaces(7), "uid_map").</summary>
public readonly record struct IdRange(uint Inside, uint Outside, uint Count)
{
    /// <summary>A line of <c>uid_map</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Inside} {Outside} {Count}");
}

/// <summary>How ids inside a user namespace and outside correspond.</summary>
public sealed record IdMapping(IReadOnlyList<IdRange> Users, IReadOnlyList<IdRange> Groups)
{
    /// <summary>What somebody is called inside whom no range holds (<c>/proc/sys/kernel/overflowuid</c>, by default).</summary>
    private const uint Nobody = 65534;

    /// <summary>Of a process's user namespace; null when it is the reader's own.</summary>
    /// <exception cref="IOException">There is no such process.</exception>
    public static IdMapping? Of(int processId)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        var mapping = new IdMapping(Read(folder + "/uid_map"), Read(folder + "/gid_map"));
        return mapping.Users.Concat(mapping.Groups).All(range => range.Inside == range.Outside) ? null : mapping;
    }

    private static List<IdRange> Read(string file) =>
        [.. File.ReadLines(file).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(n => new IdRange(Number(n[0]), Number(n[1]), Number(n[2])))];

    private static uint Number(string text) => uint.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>Who root inside is outside; 0 where there is no root.</summary>
    public uint RootUser => UserOutside(0) ?? 0;

    public uint RootGroup => GroupOutside(0) ?? 0;

    /// <summary>Null when nobody outside stands for that user.</summary>
    public uint? UserOutside(uint inside) => Outside(Users, inside);

    public uint? GroupOutside(uint inside) => Outside(Groups, inside);

    /// <summary>What a process in the namespace sees as a file's owner.</summary>
    public uint UserInside(uint outside) => Inside(Users, outside);

    public uint GroupInside(uint outside) => Inside(Groups, outside);

    private static uint? Outside(IReadOnlyList<IdRange> ranges, uint id)
    {
        foreach (var range in ranges)
        {
            if (id >= range.Inside && id - range.Inside < range.Count) return range.Outside + (id - range.Inside);
        }
        return null;
    }

    private static uint Inside(IReadOnlyList<IdRange> ranges, uint id)
    {
        foreach (var range in ranges)
        {
            if (id >= range.Outside && id - range.Outside < range.Count) return range.Inside + (id - range.Outside);
        }
        return Nobody;
    }
}
