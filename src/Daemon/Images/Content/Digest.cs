using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Gantry.Daemon.Images.Content;

/// <summary>A sha256 digest, the only algorithm of Docker images (OCI image spec, "Digests"). Its text is <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
public readonly record struct Digest
{
    public const string Prefix = "sha256:";

    private const int HexLength = 64;

    private readonly string? hex;

    private Digest(string hex) => this.hex = hex;

    /// <summary>The 64 digits: what files are named by.</summary>
    public string Hex => hex ?? throw new InvalidOperationException("an empty digest");

    public static Digest Of(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return FromSha256(hash);
    }

    public static Digest FromSha256(ReadOnlySpan<byte> hash) => new(Convert.ToHexStringLower(hash));

    /// <summary>Reads <c>sha256:…</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) && TryParseHex(text[Prefix.Length..], out digest);
    }

    public static bool TryParseHex(string hex, out Digest digest)
    {
        bool valid = IsHex(hex);
        digest = valid ? new Digest(hex) : default;
        return valid;
    }

    /// <exception cref="FormatException">The text is no digest.</exception>
    public static Digest Parse(string text) => TryParse(text, out var digest) ? digest : throw new FormatException($"invalid digest: {text}");

    /// <summary>True for exactly 64 lower-case hexadecimal digits.</summary>
    public static bool IsHex(ReadOnlySpan<char> text) => text.Length == HexLength && !text.ContainsAnyExcept("0123456789abcdef");

    public override string ToString() => Prefix + Hex;
}
