using Gantry.Daemon.Containers;
using Gantry.Daemon.Networks;

namespace Gantry.Unit.Containers;

public sealed class LinkVariablesTests
{
    [Theory]
    [InlineData("db", "db", "db")]
    [InlineData("db:store", "db", "store")]
    [InlineData("/db:/web/store", "db", "store")]
    public void A_link_names_a_container_and_an_alias(string text, string target, string alias) => Assert.Equal(new LinkSpec(target, alias), LinkSpec.Parse(text));

    [Fact]
    public void Each_port_and_each_variable_of_the_linked_container_has_its_variables()
    {
        var variables = LinkVariables.Of("web", "my-db", "172.17.0.2", [new PortSpec(53, "udp"), new PortSpec(5432, "tcp")], ["USER=x", "PATH=/bin", "HOME=/root"]);
        Assert.Equal(
        [
            "MY_DB_NAME=/web/my-db", "MY_DB_PORT=tcp://172.17.0.2:5432",
            "MY_DB_PORT_5432_TCP=tcp://172.17.0.2:5432", "MY_DB_PORT_5432_TCP_ADDR=172.17.0.2", "MY_DB_PORT_5432_TCP_PORT=5432", "MY_DB_PORT_5432_TCP_PROTO=tcp",
            "MY_DB_PORT_53_UDP=udp://172.17.0.2:53", "MY_DB_PORT_53_UDP_ADDR=172.17.0.2", "MY_DB_PORT_53_UDP_PORT=53", "MY_DB_PORT_53_UDP_PROTO=udp",
            "MY_DB_ENV_USER=x",
        ], variables);
    }

    [Fact]
    public void Ports_in_a_row_are_told_as_a_range_too()
    {
        var variables = LinkVariables.Of("web", "db", "10.0.0.2", [new PortSpec(8002, "tcp"), new PortSpec(8001, "tcp")], []).ToList();
        Assert.Contains("DB_PORT_8001_TCP_START=tcp://10.0.0.2:8001", variables);
        Assert.Contains("DB_PORT_8001_TCP_END=tcp://10.0.0.2:8002", variables);
        Assert.Contains("DB_PORT_8001_TCP_PORT_END=8002", variables);
    }

    [Fact]
    public void Without_ports_there_is_a_name_alone() => Assert.Equal(["DB_NAME=/web/db"], LinkVariables.Of("web", "db", "10.0.0.2", [], []));
}
