namespace Gantry.Daemon.Images;

/// <summary>An archive that came from outside is damaged, hostile or of a kind that is not understood. The message is the answer to whoever sent it.</summary>
public sealed class InvalidArchiveException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>A blob from a registry is not the one that was asked for (dockerd's words).</summary>
    public static InvalidArchiveException WrongBlob(Content.Digest expected, Exception? inner = null) => new($"filesystem layer verification failed for digest {expected}", inner) { IsWrongBlob = true };

    /// <summary>The bytes are others than those that were asked for: a second try may get the right ones.</summary>
    public bool IsWrongBlob { get; private init; }

    /// <summary>The archive ends in the middle of something (golden 029, 154).</summary>
    public static InvalidArchiveException UnexpectedEnd(Exception? inner = null) => new("unexpected EOF", inner);

    public static InvalidArchiveException InvalidHeader() => new("archive/tar: invalid tar header");
}
