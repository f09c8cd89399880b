using Gantry.Daemon.Hosting;
using Gantry.Daemon.Logging;
using Gantry.Daemon.Options;

namespace Gantry.Daemon.Roles;

/// <summary>The daemon as a program: command line in, exit code out.</summary>
internal static class DaemonRole
{
    public static int Run(string[] arguments)
    {
        var invocation = DaemonCommandLine.Read(arguments, Environment.GetEnvironmentVariable);
        if (invocation.Options is not { } options)
        {
            (invocation.IsError ? Console.Error : Console.Out).Write(invocation.Text);
            return invocation.ExitCode;
        }
        if (options.Debug) Environment.SetEnvironmentVariable("DEBUG", "1");   // reference A8
        using var logs = new StderrLog(StderrLog.LevelOf(options.LogLevel));
        using var host = new DaemonHost(options, logs);
        return host.RunAsync().GetAwaiter().GetResult();   // the process's main thread has nothing else to do
    }
}
