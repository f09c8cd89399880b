using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Gantry.Daemon.Options;

/// <summary>Reads the values of options. Each throws <see cref="FormatException"/> with the reason, in the words that Docker's daemon uses where it has some.</summary>
internal static partial class OptionValues
{
    public static bool Truth(string text) => text == "true";

    public static int Whole(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : throw new FormatException($"\"{text}\" is not a whole number");

    /// <summary>An absolute path, without a trailing slash.</summary>
    public static string Folder(string text) =>
        text.Length == 0 ? throw new FormatException("the path is empty") : Path.TrimEndingDirectorySeparator(Path.GetFullPath(text));

    public static string Address(string text) =>
        IPAddress.TryParse(text, out var address) ? address.ToString() : throw new FormatException($"{text} is not an IP address");

    /// <summary>An address with a prefix length; the host part is kept (<c>172.30.0.1/16</c>).</summary>
    public static string Cidr(string text)
    {
        int slash = text.IndexOf('/');
        if (slash > 0
            && IPAddress.TryParse(text.AsSpan(0, slash), out var address)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int prefix)
            && prefix <= address.GetAddressBytes().Length * 8)
            return text;
        throw new FormatException($"invalid CIDR address: {text}");
    }

    public static string Domain(string text) =>
        text == "." || DomainPattern().IsMatch(text) ? text : throw new FormatException($"{text} is not a valid domain");

    /// <summary><c>key=value</c> with a key that is not empty.</summary>
    public static string Pair(string text) =>
        text.IndexOf('=') > 0 ? text : throw new FormatException($"bad attribute format: {text}");

    public static IReadOnlyDictionary<string, string> Pairs(IEnumerable<string> texts)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            int equals = Pair(text).IndexOf('=');
            pairs[text[..equals]] = text[(equals + 1)..];
        }
        return pairs;
    }

    /// <summary><c>base=CIDR,size=N</c>.</summary>
    public static AddressPool Pool(string text)
    {
        string? network = null;
        int? size = null;
        foreach (string field in text.Split(','))
        {
            int equals = field.IndexOf('=');
            if (equals < 0) throw new FormatException($"invalid field '{field}' must be a key=value pair");
            string value = field[(equals + 1)..];
            switch (field[..equals].ToLowerInvariant())
            {
                case "base":
                    network = Cidr(value);
                    break;
                case "size":
                    size = Whole(value);
                    break;
                default:
                    throw new FormatException($"unexpected key '{field[..equals]}' in '{field}'");
            }
        }
        if (network is null || size is null) throw new FormatException($"'{text}' must have a base and a size");
        var parsed = IPNetworkOf(network);
        int bits = parsed.BaseAddress.GetAddressBytes().Length * 8;
        if (size < parsed.PrefixLength || size > bits) throw new FormatException($"size {size.Value.ToString(CultureInfo.InvariantCulture)} does not fit into {network}");
        return new AddressPool(parsed.ToString(), size.Value);
    }

    private static IPNetwork IPNetworkOf(string cidr)
    {
        int slash = cidr.IndexOf('/');
        byte[] bytes = IPAddress.Parse(cidr.AsSpan(0, slash)).GetAddressBytes();
        int prefix = Whole(cidr[(slash + 1)..]);
        for (int i = 0; i < bytes.Length; i++)
        {
            int keep = Math.Clamp(prefix - i * 8, 0, 8);
            bytes[i] &= (byte)(0xff << (8 - keep));
        }
        return new IPNetwork(new IPAddress(bytes), prefix);
    }

    /// <summary><c>name=path</c>; the file's form has arguments too, each after a NUL.</summary>
    public static KeyValuePair<string, RuntimeOption> Runtime(string text)
    {
        int equals = text.IndexOf('=');
        if (equals <= 0 || equals == text.Length - 1) throw new FormatException($"invalid runtime argument: {text}");
        string name = text[..equals];
        if (name is "native" or "lxc") throw new FormatException($"runtime name '{name}' is reserved");
        string[] program = text[(equals + 1)..].Split('\0');
        return new(name, new RuntimeOption(program[0], program[1..]));
    }

    /// <summary><c>name=soft[:hard]</c>; −1 is no limit.</summary>
    public static UlimitOption Ulimit(string text)
    {
        int equals = text.IndexOf('=');
        if (equals <= 0) throw new FormatException($"invalid ulimit argument: {text}");
        string[] limits = text[(equals + 1)..].Split(':');
        if (limits.Length > 2) throw new FormatException($"too many limit value arguments - {text}, can only have up to two, `soft[:hard]`");
        long soft = Limit(limits[0]), hard = limits.Length == 2 ? Limit(limits[1]) : soft;
        if (hard != -1 && (soft == -1 || soft > hard))
            throw new FormatException($"ulimit soft limit must be less than or equal to hard limit: {text}");
        return new UlimitOption(text[..equals], soft, hard);

        static long Limit(string number) =>
            long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : throw new FormatException($"\"{number}\" is not a whole number");
    }

    /// <summary>Bytes: a number with <c>b</c>, <c>k</c>, <c>m</c>, <c>g</c> or <c>t</c> after it (and an optional <c>b</c> or <c>ib</c>), in powers of 1024.</summary>
    public static long Size(string text)
    {
        var match = SizePattern().Match(text);
        if (!match.Success || !double.TryParse(match.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
            throw new FormatException($"invalid size: '{text}'");
        int power = match.Groups[2].Length == 0 ? 0 : "bkmgtp".IndexOf(char.ToLowerInvariant(match.Groups[2].Value[0]));
        return (long)(number * Math.Pow(1024, power));
    }

    /// <summary>The address of a mirror, with a slash at its end.</summary>
    public static string Mirror(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FormatException($"invalid mirror: no scheme specified for \"{text}\": must use either 'https://' or 'http://'");
        if (address.Query.Length > 0 || address.Fragment.Length > 0 || address.UserInfo.Length > 0)
            throw new FormatException($"invalid mirror: \"{text}\" must have no user, query or fragment");
        return text.EndsWith('/') ? text : text + "/";
    }

    [GeneratedRegex(@"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$")]
    private static partial Regex DomainPattern();

    [GeneratedRegex(@"^(\d+(?:\.\d+)?) ?([bBkKmMgGtTpP])?(?:[iI]?[bB])?$")]
    private static partial Regex SizePattern();
}
