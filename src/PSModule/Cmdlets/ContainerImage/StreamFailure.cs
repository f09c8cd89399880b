using Gantry.PowerShell.Objects;
using Gantry.Protocol.Images;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Failures that come in a stream, behind an answer that began well (reference 4.8).</summary>
internal static class StreamFailure
{
    /// <summary>What a message says went wrong; null when nothing did.</summary>
    public static string? TextOf(ProgressMessage message) => message.ErrorDetail is null ? message.Error : message.ErrorDetail.Message is { Length: > 0 } detail ? detail : message.Error ?? "";

    public static ContainerEngineException Of(ProgressMessage message, EngineErrorKind kind, string request) =>
        new(kind, TextOf(message) ?? "") { Request = request, StatusCode = message.ErrorDetail?.Code is > 0 and var code ? code : null };
}
