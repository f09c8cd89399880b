using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Unit.Events;

/// <summary>Reference 4.5, and the forms of golden 027 and 032.</summary>
public class EventFilterTests
{
    private static EventMessage Message(string type, string action, string id, params (string Name, string Value)[] attributes)
    {
        var message = new EventMessage { Type = type, Action = action, Actor = new EventActor { ID = id }, Time = 1795299545, TimeNano = 1795299545746372298 };
        foreach (var (name, value) in attributes) message.Actor.Attributes[name] = value;
        return message;
    }

    private static readonly EventMessage Start = Message("container", "start", "eb829fa9", ("image", "busybox:latest"), ("l", "v"), ("name", "g1"));
    private static readonly EventMessage Exec = Message("container", "exec_start: sh -c true", "eb829fa9", ("image", "busybox:latest"), ("name", "g1"));
    private static readonly EventMessage Connect = Message("network", "connect", "639bcbad", ("container", "eb829fa9"), ("name", "bridge"), ("type", "bridge"));
    private static readonly EventMessage Tag = Message("image", "tag", "sha256:6180", ("name", "registry.test:5000/golden:1"));

    private static bool Includes(EventMessage message, string filters) => new EventFilter(Filters.Parse(filters)).Includes(message);

    [Theory]
    [InlineData("""{}""", true, true, true)]
    [InlineData("""{"type":["container"]}""", true, false, false)]
    [InlineData("""{"type":["network","image"]}""", false, true, true)]
    [InlineData("""{"container":["g1"]}""", true, false, false)]
    [InlineData("""{"container":["eb8"]}""", true, false, false)]
    [InlineData("""{"container":["g2"]}""", false, false, false)]
    [InlineData("""{"network":["bridge"]}""", false, true, false)]
    [InlineData("""{"event":["start"]}""", true, false, false)]
    [InlineData("""{"event":["start","tag"]}""", true, false, true)]
    [InlineData("""{"image":["busybox"]}""", true, false, false)]
    [InlineData("""{"image":["busybox:latest"]}""", true, false, false)]
    [InlineData("""{"image":["registry.test:5000/golden"]}""", false, false, true)]
    [InlineData("""{"image":["sha256:6180"]}""", false, false, true)]
    [InlineData("""{"label":["l=v"]}""", true, false, false)]
    [InlineData("""{"label":["l"]}""", true, false, false)]
    [InlineData("""{"label":["l=x"]}""", false, false, false)]
    [InlineData("""{"scope":["local"]}""", true, true, true)]
    [InlineData("""{"scope":["swarm"]}""", false, false, false)]
    [InlineData("""{"container":["g1"],"event":["die"]}""", false, false, false)]
    [InlineData("""{"unheard":["of"]}""", true, true, true)]
    public void Each_filter_lets_its_events_through(string filters, bool start, bool connect, bool tag) =>
        Assert.Equal((start, connect, tag), (Includes(Start, filters), Includes(Connect, filters), Includes(Tag, filters)));

    [Theory]
    [InlineData("exec_start", true)]
    [InlineData("exec_start: sh -c true", true)]
    [InlineData("exec_start: sh", false)]
    [InlineData("exec_create", false)]
    public void Actions_with_a_command_are_found_by_their_verb(string action, bool expected) => Assert.Equal(expected, Includes(Exec, $$"""{"event":["{{action}}"]}"""));

    [Fact]
    public void A_gap_is_told_to_everyone() => Assert.True(Includes(Message("daemon", EventJournal.GapAction, "events"), """{"container":["x"],"event":["die"]}"""));

    private static string Wire(EventMessage message) => JsonSerializer.Serialize(EventCommands.WithLegacyFields(message), Gantry.Protocol.Json.WireJson.TypeInfo<EventMessage>());

    [Fact]
    public void A_containers_event_has_the_fields_of_old_clients() => Assert.Equal(
        """{"status":"start","id":"eb829fa9","from":"busybox:latest","Type":"container","Action":"start","Actor":{"ID":"eb829fa9","Attributes":{"image":"busybox:latest","l":"v","name":"g1"}},"scope":"local","time":1795299545,"timeNano":1795299545746372298}""",
        Wire(Start));

    [Fact]
    public void An_images_event_has_them_but_for_the_image() => Assert.Equal(
        """{"status":"tag","id":"sha256:6180","Type":"image","Action":"tag","Actor":{"ID":"sha256:6180","Attributes":{"name":"registry.test:5000/golden:1"}},"scope":"local","time":1795299545,"timeNano":1795299545746372298}""",
        Wire(Tag));

    [Fact]
    public void A_networks_event_has_none() => Assert.StartsWith("""{"Type":"network","Action":"connect",""", Wire(Connect), StringComparison.Ordinal);

    [Theory]
    [InlineData("5", 5_000_000_000)]
    [InlineData("1795299544.962236", 1795299544_962236000)]
    [InlineData("1.5", 1_500_000_000)]
    [InlineData("1.123456789123", 1_123456789)]
    [InlineData("-5", -5_000_000_000)]
    [InlineData("1970-01-01T00:00:01.5Z", 1_500_000_000)]
    [InlineData("1970-01-01T01:00:00+01:00", 0)]
    public void Times_are_read_in_either_form(string text, long expected) => Assert.Equal(expected, EventTime.Parse("since", text));

    [Theory]
    [InlineData("abc")]
    [InlineData("1.2.3")]
    [InlineData("10m")]
    [InlineData("1.x")]
    [InlineData("99999999999999999999")]
    public void What_is_no_time_is_refused(string text) => Assert.Equal(ErrorKind.InvalidParameter, Assert.Throws<EngineException>(() => EventTime.Parse("since", text)).Kind);

    [Fact]
    public void No_time_is_none() => Assert.Null(EventTime.Parse("since", ""));
}
