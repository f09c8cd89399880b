using System.Globalization;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Execution;

/// <summary>The user that a container's process runs as.</summary>
/// <param name="Home">Home directory; <c>/</c> for a user without an entry.</param>
public sealed record ResolvedUser(uint Uid, uint Gid, IReadOnlyList<uint> AdditionalGids, string Home);

/// <summary>Finds users and groups by the container's own <c>/etc/passwd</c> and <c>/etc/group</c>, read below its root.</summary>
internal static class UserLookup
{
    private const int FileLimit = 16 << 20;

    /// <param name="user">Empty, <c>name</c>, <c>uid</c>, <c>name:group</c>, <c>uid:gid</c> in any mix.</param>
    /// <param name="groupAdd">Names or numbers of further groups.</param>
    /// <exception cref="EngineException">500 <c>unable to find user X: no matching entries in passwd file</c>.</exception>
    public static ResolvedUser Resolve(Fd root, string user, IReadOnlyList<string>? groupAdd) =>
        Resolve(() => Read(root, "etc/passwd"), () => Read(root, "etc/group"), user, groupAdd);

    internal static ResolvedUser Resolve(Func<string> passwdFile, Func<string> groupFile, string user, IReadOnlyList<string>? groupAdd)
    {
        int colon = user.IndexOf(':', StringComparison.Ordinal);
        string userPart = colon < 0 ? user : user[..colon], groupPart = colon < 0 ? "" : user[(colon + 1)..];
        var entry = FindUser(passwdFile(), userPart);
        uint uid, gid;
        string home;
        if (entry is { } found) (uid, gid, home) = (found.Uid, found.Gid, found.Home);
        else if (userPart.Length == 0) (uid, gid, home) = (0, 0, "/");
        else if (TryNumber(userPart, out uid)) (gid, home) = (0, "/");
        else throw Missing(userPart, $"unable to find user {userPart}: no matching entries in passwd file");

        string groups = groupFile();
        var additional = new SortedSet<uint>();
        if (groupPart.Length > 0) gid = FindGroup(groups, groupPart);
        else if (entry is { } named)
        {
            foreach (var group in Groups(groups))
            {
                if (group.Members.Contains(named.Name) && group.Gid != gid) additional.Add(group.Gid);
            }
        }
        foreach (string group in groupAdd ?? []) additional.Add(FindGroup(groups, group));
        additional.Add(gid);   // so that a file's group counts whichever way a process looks at it (CVE-2022-36109)
        return new ResolvedUser(uid, gid, [.. additional], home);
    }

    private readonly record struct UserEntry(string Name, uint Uid, uint Gid, string Home);

    private readonly record struct GroupEntry(string Name, uint Gid, string[] Members);

    /// <summary>A name counts before a number, and the first entry before later ones.</summary>
    private static UserEntry? FindUser(string passwd, string user)
    {
        if (user.Length == 0) user = "0";
        bool numeric = TryNumber(user, out uint wanted);
        UserEntry? byNumber = null;
        foreach (var line in passwd.AsSpan().EnumerateLines())
        {
            string[] fields = line.ToString().Split(':');
            if (fields.Length < 6 || !TryNumber(fields[2], out uint uid) || !TryNumber(fields[3], out uint gid)) continue;
            var entry = new UserEntry(fields[0], uid, gid, fields[5].Length == 0 ? "/" : fields[5]);
            if (entry.Name == user) return entry;
            if (numeric && uid == wanted) byNumber ??= entry;
        }
        return byNumber;
    }

    private static uint FindGroup(string groups, string group)
    {
        foreach (var entry in Groups(groups))
        {
            if (entry.Name == group) return entry.Gid;
        }
        return TryNumber(group, out uint gid) ? gid : throw Missing(group, $"unable to find group {group}: no matching entries in group file");
    }

    /// <summary>A number that is too large, or a name that is not there.</summary>
    private static EngineException Missing(string id, string notFound) =>
        EngineException.System(long.TryParse(id, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? "uids and gids must be in range 0-2147483647" : notFound);

    private static IEnumerable<GroupEntry> Groups(string groups)
    {
        foreach (string line in groups.Split('\n'))
        {
            string[] fields = line.TrimEnd('\r').Split(':');
            if (fields.Length >= 4 && TryNumber(fields[2], out uint gid)) yield return new GroupEntry(fields[0], gid, fields[3].Split(','));
        }
    }

    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= int.MaxValue;

    /// <summary>A file below the root, empty when it is missing. Links in it cannot lead out of the root.</summary>
    internal static string Read(Fd root, string path)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.ReadOnly);
        if (result == -(int)Errno.ENOENT || result == -(int)Errno.ENOTDIR) return "";
        using var file = new Microsoft.Win32.SafeHandles.SafeFileHandle((nint)Syscall.Check(result, $"open {path} in the container"), ownsHandle: true);
        long length = RandomAccess.GetLength(file);
        if (length > FileLimit) throw EngineException.System($"/{path} of the container is larger than {FileLimit} bytes");
        byte[] bytes = new byte[length];
        int read = RandomAccess.Read(file, bytes, 0);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }
}
