namespace Gantry.Protocol.Networks;

/// <summary>Answer of the engine command <c>allocate_interface</c>.</summary>
public sealed record AllocatedInterface
{
    public string IP { get; set; } = "";
    public string Mask { get; set; } = "";
    public string Gateway { get; set; } = "";
    public string Bridge { get; set; } = "";
    public int IPPrefixLen { get; set; }
}

/// <summary>Answer of the engine command <c>allocate_port</c>.</summary>
public sealed record AllocatedPort
{
    public string HostIP { get; set; } = "";
    public int HostPort { get; set; }
}
