namespace Gantry.Daemon.Options;

/// <summary>Puts flags and file together, refuses what contradicts itself, and fills in what depends on other options.</summary>
internal static class DaemonOptionsReader
{
    /// <param name="flags">The texts of the flags that were given.</param>
    /// <param name="configFile">The file that was named; null reads the usual one when it is there.</param>
    public static DaemonOptions Read(IReadOnlyDictionary<Setting, IReadOnlyList<string>> flags, string? configFile, Func<string, string?> environment)
    {
        var options = new DaemonOptions();
        foreach (var (setting, texts) in flags) options = Apply(setting, setting.Flag, options, texts);
        string path = configFile ?? DaemonOptions.DefaultConfigFile;
        options = options with { ConfigFolder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? options.ConfigFolder };
        if (configFile is not null || File.Exists(path))
        {
            try
            {
                var file = ReadFile(path);
                RefuseConflicts(flags, file);
                foreach (var (setting, texts) in file) options = Apply(setting, setting.Key!, options, texts);
            }
            catch (OptionsException e)
            {
                throw new OptionsException($"unable to configure the Gantry daemon with file {path}: {e.Message}");
            }
        }
        return Check(Complete(options, environment));
    }

    private static Dictionary<Setting, IReadOnlyList<string>> ReadFile(string path)
    {
        try
        {
            return ConfigurationFile.Read(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new OptionsException($"open {path}: no such file or directory");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException(e.Message);
        }
    }

    private static void RefuseConflicts(IReadOnlyDictionary<Setting, IReadOnlyList<string>> flags, Dictionary<Setting, IReadOnlyList<string>> file)
    {
        string[] conflicts =
        [
            .. flags.Where(f => file.ContainsKey(f.Key)).OrderBy(f => f.Key.Key, StringComparer.Ordinal)
                .Select(f => $"{f.Key.Key}: (from flag: {Show(f.Key, f.Value)}, from file: {Show(f.Key, file[f.Key])})"),
        ];
        if (conflicts.Length > 0)
            throw new OptionsException($"the following directives are specified both as a flag and in the configuration file: {string.Join(", ", conflicts)}");
    }

    private static string Show(Setting setting, IReadOnlyList<string> texts) => setting.Repeatable ? $"[{string.Join(' ', texts)}]" : texts[^1];

    private static DaemonOptions Apply(Setting setting, string name, DaemonOptions options, IReadOnlyList<string> texts)
    {
        try
        {
            return setting.Apply(options, texts);
        }
        catch (Exception e) when (e is FormatException or OptionsException)
        {
            throw new OptionsException($"invalid argument \"{Show(setting, texts)}\" for \"{name}\": {e.Message}", usage: setting.Flag == name);
        }
    }

    private static DaemonOptions Complete(DaemonOptions options, Func<string, string?> environment)
    {
        if (options.PidFile.Length == 0) options = options with { PidFile = Path.Combine(options.ExecRoot, "gantryd.pid") };
        if (options.Bridge.Length == 0) options = options with { Bridge = DaemonOptions.DefaultBridge };
        if (options.Debug) options = options with { LogLevel = "debug" };
        if (options.DefaultRuntime.Length == 0) options = options with { DefaultRuntime = options.ExecDriver };
        options = options with { Runtimes = WithInstalled(options.Runtimes, environment("PATH") ?? "") };
        if (options.Hosts.Count == 0) options = options with { Hosts = [HostAddress.Default] };

        var tls = options.Tls with { Enabled = options.Tls.Enabled || options.Tls.Verify };
        string folder = environment("DOCKER_CERT_PATH") is { Length: > 0 } path ? path : Path.Combine(environment("HOME") ?? "/root", ".docker");
        return options with
        {
            Tls = tls with
            {
                Authority = tls.Authority.Length > 0 ? tls.Authority : Path.Combine(folder, "ca.pem"),
                Certificate = tls.Certificate.Length > 0 ? tls.Certificate : Path.Combine(folder, "cert.pem"),
                Key = tls.Key.Length > 0 ? tls.Key : Path.Combine(folder, "key.pem"),
            },
        };
    }

    /// <summary>The well-known runtimes need no word in the configuration where they are installed.</summary>
    private static Dictionary<string, RuntimeOption> WithInstalled(IReadOnlyDictionary<string, RuntimeOption> configured, string searchPath)
    {
        var runtimes = new Dictionary<string, RuntimeOption>(configured, StringComparer.Ordinal);
        foreach (string name in (string[])["runc", "crun"])
        {
            string? path = searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
            if (path is not null) runtimes.TryAdd(name, new RuntimeOption(path, []));
        }
        return runtimes;
    }

    /// <summary>The texts of reference A24 and A12, and what follows from them.</summary>
    private static DaemonOptions Check(DaemonOptions options)
    {
        if (options is { BridgeIsNamed: true, BridgeAddress: not null })
            throw new OptionsException("You specified -b & --bip, mutually exclusive options. Please specify only one.");
        if (options is { Firewall: false, InterContainerCommunication: false })
            throw new OptionsException("You specified --iptables=false with --icc=false. ICC uses iptables to function. Please set --icc or --iptables to true.");
        if (options.ExecDriver is not ("native" or "lxc") && !options.Runtimes.ContainsKey(options.ExecDriver))
            throw new OptionsException($"unknown exec driver {options.ExecDriver}");
        if (options.DefaultRuntime is not ("native" or "lxc") && !options.Runtimes.ContainsKey(options.DefaultRuntime))
            throw new OptionsException($"specified default runtime '{options.DefaultRuntime}' does not exist");
        if (options.Bridge.Length > 15 || options.Bridge.AsSpan().IndexOfAny("/ \t") >= 0)
            throw new OptionsException($"invalid bridge name \"{options.Bridge}\": at most 15 characters, without spaces and slashes");
        if (options.DataRoot == options.ExecRoot)
            throw new OptionsException("--data-root and --exec-root must be different folders");
        return options;
    }
}
