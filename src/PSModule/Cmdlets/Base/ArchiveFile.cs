using System.Management.Automation;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes what an engine sends into a file of this machine: under another name until all of it is there.</summary>
internal static class ArchiveFile
{
    /// <summary>Where to write: a path that is a directory gets a file of this name.</summary>
    public static string Resolve(PSCmdlet cmdlet, string path, string name)
    {
        string full = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path);
        if (!Directory.Exists(full)) return full;
        foreach (char invalid in Path.GetInvalidFileNameChars()) name = name.Replace(invalid, '_');
        return Path.Combine(full, name.Replace(':', '_'));
    }

    /// <summary>An error unless the file may be written.</summary>
    public static bool MayWrite(AsyncCmdlet cmdlet, string file, bool force)
    {
        if (force || !File.Exists(file)) return true;
        cmdlet.WriteError(ErrorRecords.Create(new IOException($"The file '{file}' exists."), "FileExists", ErrorCategory.ResourceExists, file, "Choose another path, or use -Force to replace it."));
        return false;
    }

    public static async Task<FileInfo?> SaveAsync(AsyncCmdlet cmdlet, HttpResponseMessage response, string file, string activity, CancellationToken cancellation)
    {
        string temporary = file + "." + Path.GetRandomFileName();
        try
        {
            using var progress = new UploadProgress(cmdlet, activity, response.Content.Headers.ContentLength ?? 0);
            await using (var target = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous | FileOptions.SequentialScan))
            await using (var content = await response.Content.ReadAsStreamAsync(cancellation))
            {
                await new ObservedStream(content, progress.Report).CopyToAsync(target, 256 * 1024, cancellation);
            }
            File.Move(temporary, file, overwrite: true);
            return new FileInfo(file);
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException)
        {
            throw Client.EngineClient.Translate(e, "GET archive");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            cmdlet.WriteError(ErrorRecords.Create(e, "FileUnwritable", ErrorCategory.WriteError, file));
            return null;
        }
        finally
        {
            if (File.Exists(temporary)) File.Delete(temporary);
        }
    }
}
