using System.ComponentModel;
using System.Diagnostics;
using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>Checks a repository out by the program <c>git</c>. Nothing of this host's configuration for git takes part, and no repository can reach into its file system.</summary>
internal static class GitContext
{
    private const int LongestReport = 8192;

    /// <exception cref="EngineException">git is not installed, or says no; its words come along.</exception>
    public static async Task<BuildContext> CloneAsync(string remote, BuildFolder folder, HttpClient http, CancellationToken cancellation)
    {
        var address = GitAddress.Parse(remote);
        string path = folder.NewFolder("git");
        await RunAsync(path, $"failed to init repo at {path}", ["init"], cancellation).ConfigureAwait(false);
        await RunAsync(path, $"failed add origin repo at {address.Remote}", ["remote", "add", "origin", address.Remote], cancellation).ConfigureAwait(false);
        string[] depth = await CanBeShallowAsync(address.Remote, http, cancellation).ConfigureAwait(false) ? ["--depth", "1"] : [];
        await RunAsync(path, "error fetching", ["fetch", .. depth, "origin", "--", address.Reference], cancellation).ConfigureAwait(false);
        if (await TryAsync(path, ["checkout", address.Reference], cancellation).ConfigureAwait(false) is not null)
            await RunAsync(path, $"error checking out {address.Reference}", ["checkout", "FETCH_HEAD"], cancellation).ConfigureAwait(false);
        await RunAsync(path, "error initializing submodules", ["submodule", "update", "--init", "--recursive", "--depth=1"], cancellation).ConfigureAwait(false);
        return Open(path, address);
    }

    private static BuildContext Open(string path, GitAddress address)
    {
        var root = DirectoryFd.Open(path);
        if (address.Folder.Length == 0) return new BuildContext(root);
        using (root)
        {
            var found = root.TryResolveDirectory(address.Folder.TrimStart('/'), ResolveFlags.InRoot | ResolveFlags.NoMagicLinks, out var inside);
            if (found.Errno == Errno.ENOTDIR) throw EngineException.System($"error setting git context, not a directory: {address.Folder}");
            return found.Succeeded ? new BuildContext(inside!) : throw EngineException.System($"error setting git context, \"{address.Folder}\" not within git root: {found.Errno.Describe()}");
        }
    }

    /// <summary>Plain web servers can only give a whole repository.</summary>
    private static async Task<bool> CanBeShallowAsync(string remote, HttpClient http, CancellationToken cancellation)
    {
        if (!RemoteFile.IsUrl(remote)) return true;
        try
        {
            using var response = await http.GetAsync(new Uri(remote + "/info/refs?service=git-upload-pack"), HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            return response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType == "application/x-git-upload-pack-advertisement";
        }
        catch (Exception e) when (e is HttpRequestException or UriFormatException)
        {
            return false;
        }
    }

    private static async Task RunAsync(string folder, string otherwise, string[] arguments, CancellationToken cancellation)
    {
        if (await TryAsync(folder, arguments, cancellation).ConfigureAwait(false) is { } report) throw EngineException.System($"{otherwise}: {report.Trim()}");
    }

    /// <returns>Null for success, otherwise what git has said.</returns>
    private static async Task<string?> TryAsync(string folder, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("git") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in (string[])["-c", "protocol.file.allow=never", .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["GIT_PROTOCOL_FROM_USER"] = "0";
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        start.Environment["HOME"] = "/dev/null";
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw EngineException.System($"a Git repository as build context needs the program git, which cannot be started: {e.Message}", e);
        }
        process.StandardInput.Close();
        try
        {
            var written = ReadAsync(process.StandardOutput, cancellation);
            var said = ReadAsync(process.StandardError, cancellation);
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            string report = await written.ConfigureAwait(false) + await said.ConfigureAwait(false);
            return process.ExitCode == 0 ? null : report;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellation)
    {
        char[] buffer = new char[4096];
        var text = new System.Text.StringBuilder();
        for (int read; (read = await reader.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
        {
            if (text.Length < LongestReport) text.Append(buffer, 0, read);
        }
        return text.ToString();
    }
}
