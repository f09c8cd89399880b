using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Pull;

/// <summary>Which of an index's images to take: the best of those that run on a platform (containerd, <c>platforms.Only</c>).</summary>
internal static class PlatformChoice
{
    /// <summary>Null when none of them fits.</summary>
    public static OciDescriptor? Select(IEnumerable<OciDescriptor> manifests, OciPlatform wanted)
    {
        var accepted = Accepted(wanted);
        return manifests.Select(m => (Manifest: m, Rank: Rank(m.Platform, wanted, accepted))).Where(m => m.Rank is not null).OrderBy(m => m.Rank).Select(m => m.Manifest).FirstOrDefault();
    }

    /// <summary>0 is best. What says nothing of its platform may be anything, and comes last.</summary>
    private static int? Rank(OciPlatform? platform, OciPlatform wanted, List<(string Architecture, string Variant)> accepted)
    {
        if (platform is null) return accepted.Count;
        if (platform.Os != wanted.Os) return null;
        int rank = accepted.IndexOf((platform.Architecture, Variant(platform.Architecture, platform.Variant)));
        return rank < 0 ? null : rank;
    }

    /// <summary>Architectures that run programs of the wanted one, best first.</summary>
    private static List<(string Architecture, string Variant)> Accepted(OciPlatform wanted)
    {
        string variant = Variant(wanted.Architecture, wanted.Variant);
        return wanted.Architecture switch
        {
            "amd64" => [.. Down("amd64", variant.Length > 0 ? variant : "v1"), ("386", "")],
            "arm64" => [.. Down("arm64", variant), .. Down("arm", "v8")],
            "arm" => [.. Down("arm", variant)],
            _ => [(wanted.Architecture, variant)],
        };
    }

    /// <summary>A variant and those before it: <c>v8, v7, v6, v5</c>.</summary>
    private static IEnumerable<(string Architecture, string Variant)> Down(string architecture, string variant)
    {
        if (!int.TryParse(variant.TrimStart('v'), out int number) || number > 9) return [(architecture, variant)];
        int lowest = architecture switch { "arm" => 5, "arm64" => 8, _ => 1 };
        return Enumerable.Range(lowest, Math.Max(0, number - lowest + 1)).Reverse().Select(n => (architecture, Variant(architecture, $"v{n}")));
    }

    /// <summary>The variant that an architecture has when it names none, and none where it is the only one.</summary>
    private static string Variant(string architecture, string? variant) => (architecture, variant ?? "") switch
    {
        ("arm64", "" or "8") => "v8",
        ("arm", "" or "7") => "v7",
        ("amd64", "v1") => "",
        ("arm", "5" or "6" or "8") => "v" + variant,
        var (_, given) => given,
    };

    /// <summary><c>linux/arm/v7</c>, also where the variant goes without saying.</summary>
    public static string Format(OciPlatform platform) =>
        Platforms.Format(platform.Os, platform.Architecture, platform is { Architecture: "arm", Variant: null or "" } ? "v7" : platform.Variant);
}
