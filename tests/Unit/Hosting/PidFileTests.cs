using System.Globalization;
using Gantry.Daemon.Hosting;
using Gantry.Daemon.Options;
using Gantry.Linux.Files;

namespace Gantry.Unit.Hosting;

[Collection(Alone.Name)]
public sealed class PidFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-pid-");

    private string File => $"{folder}/sub/gantryd.pid";

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void It_holds_the_process_id_and_goes_with_its_owner()
    {
        using (PidFile.Claim(File)) Assert.Equal(Environment.ProcessId, int.Parse(System.IO.File.ReadAllText(File), CultureInfo.InvariantCulture));
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void A_second_claim_is_refused_with_the_known_text()
    {
        using var held = PidFile.Claim(File);
        Assert.Equal($"pid file found, ensure gantry is not running or delete {File}", Assert.Throws<OptionsException>(() => PidFile.Claim(File)).Message);
    }

    [Fact]
    public void A_file_of_a_dead_daemon_is_taken_over_even_when_its_number_lives_again()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, "1\nsomething longer than a process id\n");   // process 1 is alive, and no gantryd
        using var claimed = PidFile.Claim(File);
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n", System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void Two_daemons_cannot_share_a_root()
    {
        var options = new DaemonOptions { DataRoot = $"{folder}/data", ExecRoot = $"{folder}/exec" };
        using var held = StateFolders.Claim(options);
        Assert.Equal($"the data root {folder}/data is in use by another gantryd", Assert.Throws<OptionsException>(() => StateFolders.Claim(options with { ExecRoot = $"{folder}/exec2" })).Message);
        Assert.Equal($"the exec root {folder}/exec is in use by another gantryd", Assert.Throws<OptionsException>(() => StateFolders.Claim(options with { DataRoot = $"{folder}/data2" })).Message);
    }

    [Fact]
    public async Task A_refused_claim_leaves_nothing_held()
    {
        var options = new DaemonOptions { DataRoot = $"{folder}/data", ExecRoot = $"{folder}/exec" };
        var held = StateFolders.Claim(options);
        Assert.Throws<OptionsException>(() => StateFolders.Claim(options with { DataRoot = $"{folder}/data2" }));
        held.Dispose();
        await Eventually.IsAsync(() =>   // a process that was just forked may still have a copy of the lock's descriptor
        {
            try
            {
                StateFolders.Claim(options with { DataRoot = $"{folder}/data2" }).Dispose();
                return true;
            }
            catch (OptionsException)
            {
                return false;
            }
        });
    }

    [Fact]
    public void The_data_root_is_for_root_alone()
    {
        using (StateFolders.Claim(new DaemonOptions { DataRoot = $"{folder}/data", ExecRoot = $"{folder}/exec" }))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode($"{folder}/data"));
    }

    [Fact]
    public async Task A_lock_can_be_seen_from_outside()
    {
        Assert.False(FileLock.IsHeld($"{folder}/lock"));
        using (FileLock.TryAcquire($"{folder}/lock")) Assert.True(FileLock.IsHeld($"{folder}/lock"));
        await Eventually.IsAsync(() => !FileLock.IsHeld($"{folder}/lock"));   // a process that was just forked may still have a copy of its descriptor
    }
}
