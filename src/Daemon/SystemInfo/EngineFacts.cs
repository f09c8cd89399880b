namespace Gantry.Daemon.SystemInfo;

/// <summary>What <c>info</c> asks of the container service.</summary>
public interface IContainerFacts
{
    ContainerCounts Count();

    /// <summary>Names of the log drivers that it has.</summary>
    IReadOnlyList<string> LogDrivers { get; }

    /// <summary><c>cgroupfs</c> or <c>systemd</c>.</summary>
    string CgroupDriver { get; }
}

public readonly record struct ContainerCounts(int Running, int Paused, int Stopped)
{
    public int All => Running + Paused + Stopped;
}

/// <summary>What <c>info</c> asks of the image store.</summary>
public interface IImageFacts
{
    /// <summary>Images that a list shows: those that are no mere parents.</summary>
    int Count { get; }

    /// <summary><c>overlay2</c> or <c>vfs</c>.</summary>
    string Driver { get; }

    /// <summary>Facts about the driver in the order of display: <c>Backing Filesystem</c> → <c>extfs</c>.</summary>
    IReadOnlyList<KeyValuePair<string, string>> DriverStatus { get; }
}

/// <summary>What <c>info</c> asks of the network service.</summary>
public interface INetworkFacts
{
    /// <summary>Names of the network drivers that it has.</summary>
    IReadOnlyList<string> Drivers { get; }

    /// <summary><c>nftables</c>, or empty when firewall rules are not managed.</summary>
    string FirewallBackend { get; }
}
