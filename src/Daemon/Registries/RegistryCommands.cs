using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;
using System.Globalization;

namespace Gantry.Daemon.Registries;

/// <summary>Commands about registries as such: v1.2.0's <c>search</c> (reference 2.1).</summary>
internal static class RegistryCommands
{
    /// <summary>Whose credentials: a header of each request that speaks to a registry.</summary>
    public static readonly Parameter Credentials = Parameter.Header(RegistryCredentials.Header, "Credentials for the registry: base64url of {username, password} or {identitytoken}.");

    public static readonly Command<SearchRequest, List<ImageSearchResult>> Search = new("search", "Looks for images in a registry.")
    {
        Routes = ["GET /images/search"],
        Parameters =
        [
            Parameter.Query("term", ParameterType.String, "Part of a name; host:port/part looks in that registry, otherwise Docker Hub is asked.") with { Position = 0 },
            Parameter.Query("limit", ParameterType.Integer, "Most results, 1 to 100.", "25"),
            Parameter.Query("filters", ParameterType.Object, "is-automated, is-official, stars."),
            Credentials,
        ],
        Bind = a => new SearchRequest(a.String("term"), Limit(a.String("limit")), Filters.Parse(a.Find("filters"), RegistrySearch.FilterKeys), RegistryCredentials.Decode(a.String(RegistryCredentials.Header))),
        Response = WireJson.TypeInfo<List<ImageSearchResult>>(),
        Permission = "read",
    };

    private static int Limit(string text)
    {
        if (text.Length == 0) return RegistrySearch.DefaultLimit;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int limit))
            throw EngineException.InvalidParameter($"invalid limit specified: strconv.Atoi: parsing \"{text}\": invalid syntax");
        return limit == 0 ? RegistrySearch.DefaultLimit : limit;
    }

    public static void RegisterRegistryCommands(this Engine.Engine engine, RegistryAccess access)
    {
        var search = new RegistrySearch(access);
        engine.Register(Search, (_, request, cancellation) => search.RunAsync(request, cancellation));
    }
}
