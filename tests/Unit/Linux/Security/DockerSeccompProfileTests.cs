using System.Text;
using Gantry.Linux.Security;

namespace Gantry.Unit.Linux.Security;

public class DockerSeccompProfileTests
{
    private static readonly CapabilitySet DockerDefault = CapabilitySet.Parse(
        ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"]);

    private static SeccompConditions On(string architecture, CapabilitySet capabilities, string kernel = "6.1") => new(capabilities, architecture, Version.Parse(kernel));

    private static HashSet<string> Allowed(SeccompProfile profile) => [.. profile.Syscalls!.Where(r => r.Action == "SCMP_ACT_ALLOW" && r.Args is null).SelectMany(r => r.Names)];

    private static DockerSeccompProfile Parse(string rule) => DockerSeccompProfile.Parse(Encoding.UTF8.GetBytes("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" + rule + "]}"));

    [Fact]
    public void The_default_profile_lets_361_calls_through_outright() => Assert.Equal(361, DockerSeccompProfile.Default.Syscalls![0].Names!.Count);

    [Fact]
    public void The_default_profile_resolves_to_thirteen_rules_for_an_ordinary_container_as_dockerd_28_does()
    {
        var profile = DockerSeccompProfile.Default.Resolve(On("amd64", DockerDefault));

        Assert.Equal(13, profile.Syscalls!.Count);
        Assert.Equal(("SCMP_ACT_ERRNO", 1u), (profile.DefaultAction, profile.DefaultErrnoRet!.Value));
        Assert.Equal(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], profile.Architectures);
    }

    [Fact]
    public void With_all_capabilities_there_are_24_rules_as_dockerd_28_has() =>
        Assert.Equal(24, DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.Parse(["ALL"]))).Syscalls!.Count);

    [Theory]
    [InlineData("chroot", "SYS_CHROOT")]
    [InlineData("mount", "SYS_ADMIN")]
    [InlineData("reboot", "SYS_BOOT")]
    [InlineData("bpf", "BPF")]
    [InlineData("open_by_handle_at", "DAC_READ_SEARCH")]
    [InlineData("kcmp", "SYS_PTRACE")]
    public void A_privileged_call_needs_its_capability(string call, string capability)
    {
        CapabilitySet.TryParse(capability, out var set);

        Assert.Contains(call, Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", set))));
        Assert.DoesNotContain(call, Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.None))));
    }

    [Theory]
    [InlineData("keyctl")]
    [InlineData("add_key")]
    [InlineData("io_uring_setup")]
    [InlineData("kexec_load")]
    [InlineData("userfaultfd")]
    [InlineData("pivot_root")]
    [InlineData("swapon")]
    public void Some_calls_are_not_allowed_with_any_capability(string call) =>
        Assert.DoesNotContain(call, Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.Parse(["ALL"])))));

    [Fact]
    public void Tracing_needs_kernel_4_8()
    {
        Assert.Contains("ptrace", Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.None, "4.8"))));
        Assert.DoesNotContain("ptrace", Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.None, "4.7"))));
    }

    [Fact]
    public void A_rule_for_another_architecture_is_left_out()
    {
        Assert.Contains("arch_prctl", Allowed(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.None))));
        Assert.DoesNotContain("arch_prctl", Allowed(DockerSeccompProfile.Default.Resolve(On("arm64", CapabilitySet.None))));
    }

    [Fact]
    public void A_rule_that_excludes_a_capability_goes_away_with_it()
    {
        var rule = DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.None)).Syscalls!.Single(r => r.Names.Contains("clone3"));
        Assert.Equal(("SCMP_ACT_ERRNO", 38u), (rule.Action, rule.ErrnoRet!.Value));

        Assert.DoesNotContain(DockerSeccompProfile.Default.Resolve(On("amd64", CapabilitySet.Of(Capability.SysAdmin))).Syscalls!, r => r.ErrnoRet == 38);
    }

    [Fact]
    public void The_same_conditions_give_the_same_object() =>
        Assert.Same(DockerSeccompProfile.Default.Resolve(On("amd64", DockerDefault)), DockerSeccompProfile.Default.Resolve(On("amd64", DockerDefault)));

    [Fact]
    public void The_old_form_with_one_name_is_understood() =>
        Assert.Equal(["mkdir"], Parse("{\"name\": \"mkdir\", \"action\": \"SCMP_ACT_ALLOW\", \"args\": []}").Resolve(On("amd64", CapabilitySet.None)).Syscalls![0].Names);

    [Fact]
    public void A_rule_with_name_and_names_is_refused() =>
        Assert.Throws<SeccompException>(() => Parse("{\"name\": \"a\", \"names\": [\"b\"], \"action\": \"SCMP_ACT_ALLOW\"}").Resolve(On("amd64", CapabilitySet.None)));

    [Fact]
    public void Architectures_and_a_map_of_them_together_are_refused()
    {
        var profile = DockerSeccompProfile.Parse("""{"architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}"""u8);

        Assert.Throws<SeccompException>(() => profile.Resolve(On("amd64", CapabilitySet.None)));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("nosuchfile")]
    [InlineData("{\"syscalls\": 5}")]
    [InlineData("")]
    public void What_is_no_profile_is_refused(string json) => Assert.Throws<SeccompException>(() => DockerSeccompProfile.Parse(Encoding.UTF8.GetBytes(json)));
}
