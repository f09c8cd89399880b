using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Volumes;

/// <summary>Options of local volumes that are mounted from somewhere: <c>type</c>, <c>device</c> and <c>o</c> as mount(8) takes them.</summary>
internal static class LocalOptions
{
    /// <exception cref="EngineException">400 for an unknown option, or one without its companions.</exception>
    public static void Verify(string volume, IReadOnlyDictionary<string, string>? options)
    {
        if (options is not { Count: > 0 }) return;
        foreach (string key in options.Keys)
        {
            if (key is not ("type" or "device" or "o" or "size")) throw EngineException.InvalidParameter($"create {volume}: invalid option: \"{key}\"");
        }
        if (options.ContainsKey("size")) throw EngineException.InvalidParameter("quota size requested but no quota support");
        if (!options.ContainsKey("device")) throw EngineException.InvalidParameter("missing required option: \"device\"");
        if (!options.ContainsKey("type")) throw EngineException.InvalidParameter("missing required option: \"type\"");
    }
}
