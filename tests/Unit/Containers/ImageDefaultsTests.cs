using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Containers;

public sealed class ImageDefaultsTests
{
    private static readonly ContainerConfig Image = new()
    {
        Cmd = ["image-cmd"], Entrypoint = ["image-entry"], Env = ["PATH=/bin", "A=image"], User = "image", WorkingDir = "/image",
        Labels = new() { ["own"] = "image", ["other"] = "image" }, ExposedPorts = new() { ["80/tcp"] = new() }, StopSignal = "SIGQUIT",
    };

    [Fact]
    public void What_a_request_leaves_open_comes_from_the_image()
    {
        var merged = ImageDefaults.Merge(new ContainerConfig(), Image);
        Assert.Equal((Image.Cmd, Image.Entrypoint, "image", "/image", "SIGQUIT"), (merged.Cmd, merged.Entrypoint, merged.User, merged.WorkingDir, merged.StopSignal));
    }

    [Fact]
    public void A_new_entrypoint_makes_the_images_command_meaningless()
    {
        var merged = ImageDefaults.Merge(new ContainerConfig { Entrypoint = ["own"] }, Image);
        Assert.Equal(("own", 0), (merged.Entrypoint![0], merged.Cmd?.Count ?? 0));
    }

    [Fact]
    public void A_new_command_keeps_the_images_entrypoint()
    {
        var merged = ImageDefaults.Merge(new ContainerConfig { Cmd = ["own"] }, Image);
        var (path, args) = ImageDefaults.CommandLine(merged);
        Assert.Equal("image-entry", path);
        Assert.Equal(["own"], args);
    }

    [Fact]
    public void Variables_and_labels_are_joined_and_the_requests_own_win()
    {
        var merged = ImageDefaults.Merge(new ContainerConfig { Env = ["A=own", "B=own"], Labels = new() { ["own"] = "own" } }, Image);
        Assert.Equal(["A=own", "B=own", "PATH=/bin"], merged.Env);
        Assert.Equal(("own", "image"), (merged.Labels!["own"], merged.Labels["other"]));
    }

    [Fact]
    public void An_empty_word_as_entrypoint_clears_the_images() =>
        Assert.Equal("run", ImageDefaults.CommandLine(new ContainerConfig { Entrypoint = [""], Cmd = ["run"] }).Path);

    [Fact]
    public void Neither_entrypoint_nor_command_is_refused() =>
        Assert.Equal((ErrorKind.InvalidParameter, "no command specified"), Assert.Throws<EngineException>(() => ImageDefaults.CommandLine(new ContainerConfig())) is var e ? (e.Kind, e.Message) : default);
}
