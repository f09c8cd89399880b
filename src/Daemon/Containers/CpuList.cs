using System.Globalization;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Containers;

/// <summary>Lists of processors or memory nodes: <c>0-2,7</c> (cpuset(7), "List format").</summary>
internal static class CpuList
{
    public static string OnlineCpus => Read("/sys/devices/system/cpu/online");

    public static string OnlineNodes => Read("/sys/devices/system/node/online");

    private static string Read(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : "0";

    /// <exception cref="EngineException">400: not a list, or more than there is.</exception>
    public static void Verify(string list, string what, string available)
    {
        if (list.Length == 0) return;
        string field = what == "CPUs" ? "cpuset cpus" : "cpuset mems";
        var wanted = Parse(list) ?? throw EngineException.InvalidParameter($"Invalid value {list} for {field}: invalid format: {list}");
        if (!wanted.IsSubsetOf(Parse(available)!))
            throw EngineException.InvalidParameter($"Requested {what} are not available - requested {list}, available: {available}");
    }

    /// <summary>Null when the text is no such list.</summary>
    public static HashSet<int>? Parse(string list)
    {
        const int most = 1 << 16;
        var numbers = new HashSet<int>();
        foreach (string part in list.Split(','))
        {
            string[] ends = part.Trim().Split('-');
            if (ends.Length > 2 || !TryNumber(ends[0], out int first) || !TryNumber(ends[^1], out int last) || last < first || last >= most) return null;
            for (int i = first; i <= last; i++) numbers.Add(i);
        }
        return numbers;
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
