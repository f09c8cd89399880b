using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images;

/// <summary>Makes an image of a root filesystem archive.</summary>
/// <param name="Source"><c>-</c> for the job's input, else a URL.</param>
/// <param name="Repository">Name to give; empty for none.</param>
/// <param name="Tag">Empty for <c>latest</c>.</param>
/// <param name="Message">Comment; empty for <c>Imported from …</c>.</param>
/// <param name="Changes">Dockerfile instructions.</param>
/// <param name="Platform">Empty for this machine's.</param>
public sealed record ImageImportRequest(string Source, string Repository, string Tag, string Message, IReadOnlyList<string> Changes, string Platform);

/// <param name="Quiet">No progress of single layers.</param>
/// <param name="Platform">Which of an index's images to load; null for this machine's.</param>
public sealed record ImageLoadRequest(bool Quiet, OciPlatform? Platform);

/// <param name="All">Intermediate images too.</param>
/// <param name="Filters">Reference 4.5.</param>
/// <param name="SharedSize">Compute how much of each image is shared with others.</param>
/// <param name="Reference">Before API 1.41: one pattern for names; otherwise not looked at.</param>
public sealed record ImageListRequest(bool All, Filters Filters, bool SharedSize, string Reference = "");

public sealed record ImageNameRequest(string Name, OciPlatform? Platform = null);

public sealed record ImageDeleteRequest(string Name, bool Force, bool NoPrune);

public sealed record ImageTagRequest(string Name, string Repository, string Tag);

/// <param name="Names">What to save; a name without tag and digest means all tags.</param>
public sealed record ImageExportRequest(IReadOnlyList<string> Names);

public sealed record ImagePruneRequest(Filters Filters);

/// <param name="Name">Name to give the image; empty for none.</param>
/// <param name="Configuration">JSON of an image configuration; its layers are those of the parent and the one in the job's input.</param>
/// <param name="Parent">The image to build on; empty for none.</param>
public sealed record ImageSetRequest(string Name, string Configuration, string Parent);
