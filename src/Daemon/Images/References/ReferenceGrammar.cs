using System.Text.RegularExpressions;

namespace Gantry.Daemon.Images.References;

/// <summary>The grammar of image names (OCI distribution spec, "Pulling manifests"; Docker's reference grammar).</summary>
internal static partial class ReferenceGrammar
{
    private const string DomainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    private const string Domain = @"(?:(?:" + DomainComponent + @"(?:\." + DomainComponent + @")*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?)";
    private const string PathComponent = "(?:[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)";
    private const string Name = "(?:(?<domain>" + Domain + ")/)?(?<path>" + PathComponent + "(?:/" + PathComponent + ")*)";
    private const string TagPattern = "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}";
    private const string DigestPattern = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

    /// <summary>Groups <c>domain</c>, <c>path</c>, <c>tag</c>, <c>digest</c>.</summary>
    [GeneratedRegex("^" + Name + "(?::(?<tag>" + TagPattern + "))?(?:@(?<digest>" + DigestPattern + "))?\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    public static partial Regex Reference { get; }

    [GeneratedRegex("^" + TagPattern + "\\z", RegexOptions.CultureInvariant)]
    public static partial Regex Tag { get; }
}
