using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Builds.Copying;

/// <summary>The owner that <c>--chown</c> names: numbers, or names of the image's own <c>/etc/passwd</c> and <c>/etc/group</c>.</summary>
internal static class CopyOwner
{
    /// <param name="text"><c>user</c>, whose name counts for the group too, or <c>user:group</c>.</param>
    /// <exception cref="EngineException">No such user or group.</exception>
    public static (uint User, uint Group) Resolve(DirectoryFd root, string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 2) throw Refuse($"invalid chown string format: {text}");
        string user = parts[0], group = parts[^1];
        return (Find(root, "etc/passwd", user) ?? throw Refuse($"can't find uid for user {user}: no such user: {user}"),
            Find(root, "etc/group", group) ?? throw Refuse($"can't find gid for group {group}: no such group: {group}"));
    }

    private static EngineException Refuse(string why) => EngineException.InvalidParameter("unable to convert uid/gid chown string to host mapping: " + why);

    private static uint? Find(DirectoryFd root, string file, string name)
    {
        if (int.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)) return number >= 0 ? (uint)number : null;
        foreach (string line in UserLookup.Read(root, file).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && fields[0] == name && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint id)) return id;
        }
        return null;
    }
}
