using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of cmdlets that say what a container is to be. Its parameters are the properties of <see cref="ContainerSpec"/>, in one file for each group.</summary>
public abstract partial class ContainerSpecCmdlet : EngineCmdlet
{
    /// <summary>What the parameters say; null where one was not given.</summary>
    private protected ContainerSpec Given { get; } = new();

    /// <summary>The container's name. Default: one that the engine makes up.</summary>
    [Parameter]
    public string? Name
    {
        get => Given.Name;
        set => Given.Name = value;
    }

    /// <summary>The whole spec: a given one with the parameters put over it. Host paths of mounts are made absolute here, where PowerShell's location is known.</summary>
    private protected ContainerSpec BuildSpec(ContainerSpec? @base)
    {
        var spec = (@base ?? new ContainerSpec()).OverlaidBy(Given);
        return spec with
        {
            Volume = spec.Volume?.Select(ResolveVolume).ToArray(),
            Mount = spec.Mount?.Select(ResolveMount).ToArray(),
            SecurityOption = spec.SecurityOption?.Select(ReadProfile).ToArray(),
        };
    }

    private string ResolveVolume(string text)
    {
        int split = text.IndexOf(':', StringComparison.Ordinal);
        return split > 0 && IsRelative(text) ? HostPath(text[..split]) + text[split..] : text;
    }

    private ContainerMount ResolveMount(ContainerMount mount)
    {
        if (mount.Type == ContainerMountType.Bind && IsRelative(mount.Source)) mount.Source = HostPath(mount.Source);
        return mount;
    }

    private static bool IsRelative(string source) => source.StartsWith("./", StringComparison.Ordinal) || source.StartsWith("../", StringComparison.Ordinal)
        || source.StartsWith("~/", StringComparison.Ordinal) || source is "." or ".." or "~" || source.StartsWith(".:", StringComparison.Ordinal) || source.StartsWith("~:", StringComparison.Ordinal);

    private string HostPath(string path) => SessionState.Path.GetUnresolvedProviderPathFromPSPath(path);

    /// <summary>The engine wants a seccomp profile's text and not the name of a file that only this machine has.</summary>
    private string ReadProfile(string option)
    {
        const string prefix = "seccomp=";
        if (!option.StartsWith(prefix, StringComparison.Ordinal)) return option;
        string value = option[prefix.Length..];
        if (value is "unconfined" or "builtin" || value.StartsWith('{')) return option;
        try
        {
            return prefix + File.ReadAllText(HostPath(value));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorRecords.Create(e, "SecurityProfileUnreadable", ErrorCategory.ReadError, value));
            throw;
        }
    }
}
