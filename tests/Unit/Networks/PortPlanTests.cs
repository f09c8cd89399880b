using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Ports;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Unit.Networks;

public class PortPlanTests
{
    private static readonly IPAddress[] Anywhere = [IPAddress.Any, IPAddress.IPv6Any];

    private static (IReadOnlyList<PortRequest> Requests, IReadOnlyList<ContainerPort> Exposed) Make(Dictionary<string, PortBinding[]?> bindings, string[]? exposed = null, bool all = false, string defaultIp = "0.0.0.0") =>
        PortPlan.Make(
            new ContainerConfig { ExposedPorts = exposed is null ? null : new(exposed.ToDictionary(e => e, _ => EmptyObject.Value), StringComparer.Ordinal) },
            new HostConfig { PublishAllPorts = all, PortBindings = new(bindings.ToDictionary(b => b.Key, b => b.Value?.ToList()), StringComparer.Ordinal) }, IPAddress.Parse(defaultIp), Anywhere);

    [Theory]
    [InlineData("80", 80, "tcp")]
    [InlineData("80/tcp", 80, "tcp")]
    [InlineData("53/UDP", 53, "udp")]
    [InlineData("9/sctp", 9, "sctp")]
    public void A_container_port_is_a_number_and_a_protocol(string text, int number, string protocol) => Assert.Equal(new ContainerPort(number, protocol), ContainerPort.Parse(text));

    [Theory]
    [InlineData("99999/tcp", "invalid port specification: \"99999\"")]
    [InlineData("0", "invalid port specification: \"0\"")]
    [InlineData("x/tcp", "invalid port specification: \"x\"")]
    [InlineData("80/icmp", "invalid port specification: \"80/icmp\"")]
    public void What_is_no_container_port_is_refused_in_dockers_words(string text, string message) =>
        Assert.Equal(message, Assert.Throws<EngineException>(() => ContainerPort.Parse(text)).Message);

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("0", 0, 0)]
    [InlineData("8000", 8000, 8000)]
    [InlineData("8000-8010", 8000, 8010)]
    public void Host_ports_are_any_one_or_a_range(string text, int first, int last) => Assert.Equal(new HostPorts(first, last), HostPorts.Parse(text));

    [Theory]
    [InlineData("70000")]
    [InlineData("9-8")]
    [InlineData("a")]
    [InlineData("-5")]
    [InlineData("0-5")]
    public void What_are_no_host_ports_is_refused(string text) => Assert.Throws<EngineException>(() => HostPorts.Parse(text));

    [Fact]
    public void A_binding_without_an_address_is_for_every_address_of_both_families()
    {
        var request = Assert.Single(Make(new() { ["80/tcp"] = [new PortBinding { HostPort = "8080" }] }).Requests);

        Assert.Equal(Anywhere, request.Addresses);
        Assert.Equal(8080, request.Host.First);
    }

    [Fact]
    public void A_default_bind_address_stands_in_for_none() =>
        Assert.Equal([IPAddress.Parse("10.0.0.1")], Assert.Single(Make(new() { ["80/tcp"] = [new PortBinding()] }, defaultIp: "10.0.0.1").Requests).Addresses);

    [Fact]
    public void A_bad_host_address_is_refused() => Assert.Throws<EngineException>(() => Make(new() { ["80/tcp"] = [new PortBinding { HostIp = "nope" }] }));

    [Fact]
    public void Publishing_all_gives_exposed_ports_without_a_binding_an_ephemeral_one()
    {
        var (requests, exposed) = Make(new() { ["80/tcp"] = [new PortBinding { HostPort = "8080" }] }, ["80/tcp", "81/udp"], all: true);

        Assert.Equal(["80/tcp:8080", "81/udp:0"], requests.Select(r => $"{r.Container}:{r.Host.First}"));
        Assert.Equal(["80/tcp", "81/udp"], exposed.Select(p => p.ToString()));
    }

    [Fact]
    public void Exposed_ports_alone_are_not_published() => Assert.Empty(Make([], ["80/tcp"]).Requests);

    [Fact]
    public void Fixed_ports_are_asked_for_before_ranges_and_ephemeral_ones()
    {
        var (requests, _) = Make(new()
        {
            ["1/tcp"] = [new PortBinding()], ["2/tcp"] = [new PortBinding { HostPort = "100-200" }], ["3/tcp"] = [new PortBinding { HostPort = "150" }],
        });

        Assert.Equal([3, 2, 1], requests.Select(r => r.Container.Number));
    }

    [Fact]
    public void A_description_names_exposed_ports_and_the_bindings_of_published_ones()
    {
        PublishedPort[] published = [new("tcp", IPAddress.Any, 8080, IPAddress.Parse("172.17.0.2"), 80), new("tcp", IPAddress.IPv6Any, 8080, IPAddress.Parse("172.17.0.2"), 80)];

        var described = PortPlan.Describe([new ContainerPort(80, "tcp"), new ContainerPort(81, "udp")], published);

        Assert.Equal(["80/tcp", "81/udp"], described.Keys);
        Assert.Null(described["81/udp"]);
        Assert.Equal(["0.0.0.0:8080", ":::8080"], described["80/tcp"]!.Select(b => $"{b.HostIp}:{b.HostPort}"));
        Assert.Equal(published, PortPlan.Published(described, IPAddress.Parse("172.17.0.2")));
    }
}
