using System.Globalization;
using Gantry.Daemon.Builds.Contexts;
using Gantry.Daemon.Builds.Copying;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Compression;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds;

// COPY and ADD: files from the context, another image or the web, straight into a new layer.
internal sealed partial class BuildRun
{
    private async Task CopyAsync(StageState state, CopyCommand written, CancellationToken cancellation)
    {
        var copy = Expand(state, written);
        uint? mode = copy.Mode.Length > 0 ? ParseMode(copy.Mode) : null;
        if (copy.From.Length == 0)
        {
            await CopyAsync(state, copy, mode, null, cancellation).ConfigureAwait(false);
            return;
        }
        var image = await SourceImageAsync(copy.From, cancellation).ConfigureAwait(false);
        var leases = new List<LayerLease>();
        try
        {
            // The image may be deleted while its files are read: they stay until then.
            foreach (var chain in image.Layers) leases.Add(store.Layers.TryLease(chain) ?? throw NotFound(image.Id));
            using var root = OpenImage(image);
            await CopyAsync(state, copy, mode, root, cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var lease in leases) lease.Dispose();
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <param name="imageRoot">The files of the image that <c>--from</c> names; null for the context's.</param>
    private async Task CopyAsync(StageState state, CopyCommand copy, uint? mode, DirectoryFd? imageRoot, CancellationToken cancellation)
    {
        var opened = new List<DirectoryFd>();
        try
        {
            var sources = await FindSourcesAsync(state, copy, imageRoot, opened, cancellation).ConfigureAwait(false);
            if (sources.Count > 1 && !copy.Destination.EndsWith('/'))
                throw EngineException.InvalidParameter($"When using {copy.Keyword} with more than one source file, the destination must be a directory and end with a /");

            var told = Telling(state, "#(nop) " + Comment(copy, sources));
            if (await TryUseCacheAsync(state, told, cancellation).ConfigureAwait(false)) return;
            using var draft = Draft(state);
            await Task.Factory.StartNew(() => Write(state, copy, mode, sources, draft, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            await CommitLayerAsync(state, told, "", draft, cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var directory in opened) directory.Dispose();
        }
    }

    private CopyCommand Expand(StageState state, CopyCommand copy)
    {
        var variables = state.Variables;
        string Process(string word) => ShellWords.Process(word, variables, plan.Escape);
        return copy with
        {
            Sources = [.. copy.Sources.Select(Process)],
            Destination = Process(copy.Destination),
            Owner = Process(copy.Owner),
            Mode = Process(copy.Mode),
            Checksum = Process(copy.Checksum),
            Heredocs = [.. copy.Heredocs.Select(h => h with { Content = h.Expand ? ShellWords.Fill(Text(h), variables, DockerfileParser.DefaultEscape) : Text(h) })],
        };
    }

    private static string Text(Heredoc heredoc) => heredoc.StripTabs ? Heredocs.StripTabs(heredoc.Content) : heredoc.Content;

    private static uint ParseMode(string text)
    {
        if (text.Length is 0 or > 5 || text.AsSpan().ContainsAnyExcept("01234567") || Convert.ToUInt32(text, 8) is var mode && mode > ModeBits.PermissionMask)
            throw EngineException.InvalidParameter($"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777");
        return Convert.ToUInt32(text, 8);
    }

    /// <summary>What the history says, and the cache compares: checksums instead of names.</summary>
    private static string Comment(CopyCommand copy, List<CopySource> sources)
    {
        string checksum = sources is [var one] ? one.Checksum : FileChecksum.OfList("multi", sources.Select(s => s.Checksum));
        string owner = copy.Owner.Length > 0 ? $"--chown={copy.Owner} " : "", mode = copy.Mode.Length > 0 ? $"--chmod={copy.Mode} " : "";
        string excluded = string.Concat(copy.Excluded.Select(e => $"--exclude={e} "));
        string unpack = copy.Unpack is { } given ? $"--unpack={(given ? "true" : "false")} " : "";
        return $"{copy.Keyword} {owner}{mode}{excluded}{unpack}{checksum} in {copy.Destination} ";
    }

    private async Task<List<CopySource>> FindSourcesAsync(StageState state, CopyCommand copy, DirectoryFd? imageRoot, List<DirectoryFd> opened, CancellationToken cancellation)
    {
        var sources = new List<CopySource>();
        try
        {
            foreach (string path in copy.Sources)
            {
                if (RemoteFile.IsUrl(path))
                {
                    if (!copy.IsAdd) throw EngineException.InvalidParameter("source can't be a URL for COPY");
                    sources.Add(await DownloadAsync(path, copy, opened, cancellation).ConfigureAwait(false));
                    continue;
                }
                var root = imageRoot ?? context?.Root ?? throw EngineException.InvalidParameter("missing build context");
                sources.AddRange(await Task.Run(() => new CopySources(root, imageRoot is null).Find(path, cancellation).ToList(), cancellation).ConfigureAwait(false));
            }
            foreach (var heredoc in copy.Heredocs) sources.Add(WriteHeredoc(heredoc, opened));
            return sources.Count > 0 ? sources : throw EngineException.InvalidParameter("no source files were specified");
        }
        catch (EngineException e)
        {
            throw new EngineException(e.Kind, $"{copy.Keyword} failed: {e.Message}", e);
        }
    }

    private CopySource WriteHeredoc(Heredoc heredoc, List<DirectoryFd> opened)
    {
        string name = heredoc.Name[(heredoc.Name.LastIndexOf('/') + 1)..];
        if (name is "" or "." or "..") throw EngineException.InvalidParameter($"{GoText.Quote(heredoc.Name)} is no name for a file");
        string path = folder.NewFolder("heredoc");
        File.WriteAllText(Path.Combine(path, name), heredoc.Content);
        File.SetUnixFileMode(Path.Combine(path, name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var directory = DirectoryFd.Open(path);
        opened.Add(directory);
        return new CopySources(directory, isContext: true).Find(EscapeWildcards(name), CancellationToken.None).Single();
    }

    private static string EscapeWildcards(string name) => string.Concat(name.Select(c => c is '*' or '?' or '[' or '\\' ? $"\\{c}" : c.ToString()));

    private async Task<CopySource> DownloadAsync(string url, CopyCommand copy, List<DirectoryFd> opened, CancellationToken cancellation)
    {
        using var response = await RemoteFile.GetAsync(tools.Http, url, cancellation).ConfigureAwait(false);
        string name = RemoteName(response, url);
        if (name.Length == 0 && copy.Destination.EndsWith('/')) throw EngineException.InvalidParameter($"cannot determine filename for source {url}");
        if (name.Length == 0) name = "__unnamed__";
        string path = folder.NewFolder("download");
        string digest = await SaveAsync(response, Path.Combine(path, name), cancellation).ConfigureAwait(false);
        await output.WriteAsync("\n", cancellation).ConfigureAwait(false);
        if (copy.Checksum.Length > 0 && !copy.Checksum.Equals(digest, StringComparison.OrdinalIgnoreCase))
            throw EngineException.InvalidParameter($"digest mismatch {digest}: {copy.Checksum}");
        var directory = DirectoryFd.Open(path);
        opened.Add(directory);
        var modified = new FileTime(response.Content.Headers.LastModified?.ToUnixTimeSeconds() ?? 0, 0);
        directory.SetTimes(name, modified, modified);
        return new CopySource(directory, name, FileChecksum.Of(directory, name, name, directory.Status(name))) { IsDownload = true };
    }

    private async Task<string> SaveAsync(HttpResponseMessage response, string path, CancellationToken cancellation)
    {
        long total = response.Content.Headers.ContentLength ?? 0, done = 0;
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        await using var progress = new ProgressReporter(output.Messages, cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using var file = new FileStream(path, options);
        byte[] buffer = new byte[256 * 1024];
        for (int read; (read = await body.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            progress.Report(null, "Downloading", done += read, total);
        }
        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The last part of the address, or what the server calls it.</summary>
    private static string RemoteName(HttpResponseMessage response, string url)
    {
        string path = Uri.UnescapeDataString(new Uri(url).AbsolutePath);
        if (path.Length > 0 && !path.EndsWith('/')) return Safe(path);
        string given = response.Content.Headers.ContentDisposition?.FileName?.Trim('"') ?? "";
        return given.Length > 0 && !given.EndsWith('/') ? Safe(given) : "";
    }

    private static string Safe(string path)
    {
        string name = path[(path.LastIndexOf('/') + 1)..];
        return name is "." or ".." || name.Contains('\0') ? "" : name;
    }

    /// <summary>An image's files, for reading: the overlay of its layers, mounted nowhere.</summary>
    private DirectoryFd OpenImage(Image image)
    {
        var layers = tools.Images.LayerDirectories(image);
        if (layers.Count == 0) return DirectoryFd.Open(folder.NewFolder("empty"));
        if (layers.Count == 1) return DirectoryFd.Open(layers[0]);
        using var mount = DetachedMount.Overlay(layers, null, null, null, MountAttributes.ReadOnly | MountAttributes.NoDev | MountAttributes.NoSuid | MountAttributes.NoExec);
        return DirectoryFd.Open(mount);
    }

    private LayerDraft Draft(StageState state) =>
        LayerDraft.Begin(folder.NewPath("layer"), state.ImageId.Length == 0 ? [] : tools.Images.LayerDirectories(Held(state.ImageId)), tools.Images.Driver);

    /// <summary>What dockerd does where it makes a container: the working directory where the image has none. Null when there is nothing to make.</summary>
    private async Task<LayerDraft?> DraftDirectoryAsync(StageState state, CancellationToken cancellation)
    {
        string directory = state.Config.WorkingDir is "" ? "/" : state.Config.WorkingDir;
        var volumes = (state.Config.Volumes?.Keys ?? Enumerable.Empty<string>()).Where(v => !state.KnownVolumes.Contains(v)).ToList();
        if (volumes.Count == 0 && (directory == "/" || directory == state.KnownDirectory)) return null;
        return await Task.Run(() =>
        {
            var draft = Draft(state);
            try
            {
                foreach (string volume in volumes)
                {
                    string path = RootedPath.Follow(draft.Root, volume);
                    if (Place.Status(draft.Root, path) is { Type: not FileType.Directory }) throw EngineException.System($"cannot mount volume over existing file, file exists {path}");
                    state.KnownVolumes.Add(volume);
                }
                bool made = MakeDirectories(draft.Root, RootedPath.Follow(draft.Root, directory), (0, 0));
                state.KnownDirectory = directory;
                if (made) return draft;
            }
            catch
            {
                draft.Dispose();
                throw;
            }
            draft.Dispose();
            return null;
        }, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes what is missing of a path, mode 0755.</summary>
    /// <returns>Whether anything was missing.</returns>
    private static bool MakeDirectories(DirectoryFd root, string path, (uint User, uint Group) owner)
    {
        bool made = false;
        for (int end = path.IndexOf('/', 1); path.Length > 1; end = path.IndexOf('/', end + 1))
        {
            string prefix = end < 0 ? path : path[..end];
            if (Place.Status(root, prefix) is { } there)
            {
                if (there.Type != FileType.Directory) throw EngineException.System($"Cannot mkdir: {prefix} is not a directory");
            }
            else
            {
                using var above = Place.Above(root, prefix, out string name)!;
                above.MakeDirectory(name, 0x1c0);
                using var directory = above.OpenDirectory(name);
                OpenFileAttributes.ChangeOwner(directory, owner.User, owner.Group);
                OpenFileAttributes.ChangeMode(directory, 0x1ed);
                made = true;
            }
            if (end < 0) break;
        }
        return made;
    }

    private void Write(StageState state, CopyCommand copy, uint? mode, List<CopySource> sources, LayerDraft draft, CancellationToken cancellation)
    {
        (uint, uint) owner = copy.Owner.Length > 0 ? CopyOwner.Resolve(draft.Root, copy.Owner) : (0, 0);
        var attributes = new CopyAttributes(copy.From.Length > 0 && copy.Owner.Length == 0 ? null : owner, mode);
        var excluded = copy.Excluded.Count > 0 ? Excluded(copy.Excluded) : null;
        state.Forget();
        try
        {
            foreach (var source in sources)
            {
                using var graft = new TreeGraft(attributes, excluded is null ? null : excluded.Excludes, cancellation);
                WriteOne(state, copy, source, owner, attributes, graft, draft.Root, cancellation);
            }
        }
        catch (Exception e) when (e is KernelException or InvalidArchiveException)
        {
            throw EngineException.System($"failed to copy files: {e.Message}", e);
        }
    }

    private static IgnorePatterns Excluded(IReadOnlyList<string> patterns)
    {
        try
        {
            return IgnorePatterns.Of(patterns);
        }
        catch (FormatException e)
        {
            throw EngineException.InvalidParameter($"invalid --exclude: {e.Message}", e);
        }
    }

    private void WriteOne(StageState state, CopyCommand copy, CopySource source, (uint, uint) owner, CopyAttributes attributes, TreeGraft graft, DirectoryFd root, CancellationToken cancellation)
    {
        string wanted = copy.Destination.StartsWith('/') ? copy.Destination : $"{state.Config.WorkingDir}/{copy.Destination}";
        string target = RootedPath.Follow(root, wanted), real = RootedPath.Follow(source.Root, source.Path);
        var status = Place.Status(source.Root, real) ?? throw EngineException.System($"failed to copy files: source path not found: stat {source.Path}: file does not exist");
        if (status.Type == FileType.Directory)
        {
            bool made = MakeDirectories(root, target, (0, 0));
            using var from = Place.Open(source.Root, real);
            using var into = Place.Open(root, target);
            graft.CopyContent(from, into);
            if (made) attributes.Apply(into);
            return;
        }
        using var holder = Place.Above(source.Root, real, out string name)!;
        if (copy.Unpack ?? copy.IsAdd && !source.IsDownload)
        {
            if (status.Type == FileType.Regular && TryUnpack(holder, name, root, target, cancellation)) return;
        }
        bool intoDirectory = wanted.EndsWith('/') || wanted.EndsWith("/.", StringComparison.Ordinal) || Place.Status(root, target) is { Type: FileType.Directory };
        if (intoDirectory) target = target == "/" ? "/" + source.Name : $"{target}/{source.Name}";
        int slash = target.LastIndexOf('/');
        if (slash > 0) MakeDirectories(root, target[..slash], attributes.Owner is null ? (0, 0) : owner);
        using var above = Place.Above(root, target, out string newName)!;
        graft.CopyEntry(holder, name, above, newName, status);
    }

    /// <summary>Unpacks an archive, plain or compressed. False when the file is none.</summary>
    private bool TryUnpack(DirectoryFd directory, string name, DirectoryFd root, string target, CancellationToken cancellation)
    {
        if (!IsArchive(directory, name)) return false;
        MakeDirectories(root, target, (0, 0));
        using var into = Place.Open(root, target);
        using var source = new StreamSource(directory.OpenFileStream(name));
        using var extraction = new TreeExtraction(into, target, new TreeExtractionForm { Limits = tools.Images.Limits });
        extraction.Run(source, cancellation);
        return true;
    }

    private static bool IsArchive(DirectoryFd directory, string name)
    {
        try
        {
            using var source = new StreamSource(directory.OpenFileStream(name));
            using var archive = Decompression.Open(source, out _);
            return new TarReader(archive).MoveNext();
        }
        catch (Exception e) when (e is InvalidArchiveException or InvalidDataException or EndOfStreamException)
        {
            return false;
        }
    }
}
