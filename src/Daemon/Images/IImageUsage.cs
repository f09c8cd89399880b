namespace Gantry.Daemon.Images;

/// <summary>What the image store asks about containers before it deletes or counts.</summary>
public interface IImageUsage
{
    /// <summary>Containers made from an image (<c>sha256:…</c>), in any state.</summary>
    IReadOnlyList<ImageUser> UsersOf(string imageId);
}

/// <param name="Id">64 hexadecimal digits.</param>
/// <param name="Reference">The name by which the image was asked for at create (<c>busybox:latest</c>).</param>
public sealed record ImageUser(string Id, string Name, string Reference, bool Running);
