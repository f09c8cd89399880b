using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Containers;

/// <summary>Ids and names: how they are made and what is allowed (reference 5.5, B17).</summary>
internal static partial class ContainerNames
{
    private static readonly string[] Adjectives =
    [
        "able", "agile", "amber", "apt", "aware", "bold", "brave", "breezy", "bright", "brisk", "calm", "candid", "careful", "cheerful", "clear", "clever",
        "coastal", "cosmic", "crisp", "curious", "daring", "deft", "direct", "eager", "early", "earnest", "easy", "elated", "fair", "faithful", "fast", "fine",
        "firm", "fluent", "fond", "frank", "fresh", "friendly", "gentle", "glad", "golden", "good", "graceful", "grand", "happy", "hardy", "helpful", "honest",
        "humble", "jolly", "jovial", "keen", "kind", "lasting", "lively", "loyal", "lucid", "lucky", "merry", "mild", "modest", "nimble", "noble", "patient",
        "peaceful", "placid", "polite", "prompt", "proud", "pure", "quick", "quiet", "rapid", "ready", "robust", "serene", "sharp", "silent", "simple", "sincere",
        "smart", "smooth", "solid", "sound", "spry", "stable", "steady", "sturdy", "sunny", "sure", "swift", "tidy", "tranquil", "true", "trusty", "upbeat",
        "useful", "valiant", "vivid", "warm", "wise", "witty", "zealous",
    ];

    private static readonly string[] Surnames =
    [
        "abel", "ampere", "archimedes", "aryabhata", "babbage", "banach", "banneker", "bardeen", "bartik", "becquerel", "bell", "bernoulli", "bohr", "boole", "bose",
        "brahmagupta", "brown", "carson", "cartwright", "cauchy", "chandrasekhar", "chatelet", "cori", "curie", "darwin", "davinci", "dijkstra", "dirac", "easley",
        "edison", "einstein", "elion", "engelbart", "euclid", "euler", "faraday", "fermat", "fermi", "feynman", "franklin", "galileo", "galois", "gauss", "germain",
        "goodall", "goldberg", "hamilton", "hawking", "heisenberg", "hermann", "herschel", "hertz", "hodgkin", "hoover", "hopper", "hypatia", "jackson", "jang", "jennings",
        "jepsen", "johnson", "joliot", "kalam", "kapitsa", "keldysh", "keller", "kepler", "khayyam", "khorana", "kilby", "kirch", "knuth", "kowalevski", "lalande",
        "lamarr", "lamport", "leakey", "leavitt", "lichterman", "liskov", "lovelace", "lumiere", "mahavira", "maxwell", "mayer", "mccarthy", "mcclintock", "mclean",
        "meitner", "mendel", "mendeleev", "mestorf", "minsky", "mirzakhani", "morse", "murdock", "newton", "nightingale", "nobel", "noether", "panini", "pare", "pascal",
        "pasteur", "payne", "perlman", "pike", "poincare", "ptolemy", "raman", "ramanujan", "ride", "ritchie", "rosalind", "roentgen", "saha", "sammet", "shannon",
        "shaw", "shirley", "shockley", "sinoussi", "snyder", "spence", "stallman", "stonebraker", "swanson", "swartz", "swirles", "tesla", "thompson", "torvalds",
        "turing", "varahamihira", "visvesvaraya", "volhard", "wescoff", "wiles", "williams", "wilson", "wing", "wozniak", "wright", "yalow", "yonath", "zhukovsky",
    ];

    [GeneratedRegex("^/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
    private static partial Regex Allowed();

    /// <summary>64 hexadecimal digits. The first twelve are never all decimal: they become a host name.</summary>
    public static string NewId()
    {
        while (true)
        {
            string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            if (id.AsSpan(0, 12).IndexOfAnyExceptInRange('0', '9') >= 0) return id;
        }
    }

    /// <param name="context">Begins the message.</param>
    /// <param name="prefix">Of the name, in the message.</param>
    /// <exception cref="EngineException">400 with the rule.</exception>
    public static string Check(string name, string context = "", string prefix = "")
    {
        if (!Allowed().IsMatch(name)) throw EngineException.InvalidParameter($"{context}Invalid container name ({prefix}{Shorten(name)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
        return name.TrimStart('/');
    }

    /// <summary>A name of a million characters does not belong into an error message.</summary>
    private static string Shorten(string name) => name.Length <= 256 ? name : name[..256] + "…";

    /// <summary>Makes a name and takes it: at most six tries, from the second with a digit; then the short id.</summary>
    public static string Generate(string id, Func<string, bool> tryTake)
    {
        for (int attempt = 0; attempt < 6; attempt++)
        {
            string name = Adjectives[RandomNumberGenerator.GetInt32(Adjectives.Length)] + "_" + Surnames[RandomNumberGenerator.GetInt32(Surnames.Length)];
            if (attempt > 0) name += RandomNumberGenerator.GetInt32(10).ToString(CultureInfo.InvariantCulture);
            if (tryTake(name)) return name;
        }
        string last = id[..12];
        if (!tryTake(last)) throw EngineException.Conflict($"no free name for container {id}");
        return last;
    }
}
