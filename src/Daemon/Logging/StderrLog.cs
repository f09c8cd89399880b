using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Logging;

/// <summary>Writes log lines to standard error, in the key=value form of dockerd's log: <c>time="…" level=info msg="…" component=engine</c>.</summary>
internal sealed class StderrLog : ILoggerFactory
{
    private readonly Stream stream;
    private readonly Lock gate = new();

    public StderrLog(LogLevel level, Stream? stream = null)
    {
        Level = level;
        this.stream = stream ?? Console.OpenStandardError();
    }

    /// <summary>Lines below it are left out.</summary>
    public LogLevel Level { get; }

    public static LogLevel LevelOf(string name) => name switch
    {
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" => LogLevel.Critical,
        _ => LogLevel.Information,
    };

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName[(categoryName.LastIndexOf('.') + 1)..], Lowest(categoryName));

    /// <summary>The web server's own lines are only of interest when something is wrong.</summary>
    private LogLevel Lowest(string category) =>
        category.StartsWith("Microsoft.", StringComparison.Ordinal) && Level < LogLevel.Warning ? LogLevel.Warning : Level;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("this log has one destination");

    public void Dispose() => stream.Flush();

    private void Write(string component, LogLevel level, string message, Exception? error)
    {
        var line = new StringBuilder(160);
        line.Append("time=\"").Append(DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture)).Append("\" level=").Append(NameOf(level));
        Append(line.Append(" msg="), message);
        if (error is not null) Append(line.Append(" error="), error.ToString());
        line.Append(" component=").Append(component).Append('\n');

        byte[] bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(line.Length));
        int length = Encoding.UTF8.GetBytes(line.ToString(), bytes);
        try
        {
            lock (gate) stream.Write(bytes, 0, length);
        }
        catch (IOException)
        {
            // Nobody reads standard error any more. The engine goes on.
        }
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private static void Append(StringBuilder line, string text)
    {
        line.Append('"');
        foreach (char c in text)
        {
            if (c is '"' or '\\') line.Append('\\').Append(c);
            else if (c == '\n') line.Append("\\n");
            else if (c >= ' ') line.Append(c);
        }
        line.Append('"');
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        LogLevel.Critical => "fatal",
        _ => "info",
    };

    private sealed class Category(StderrLog log, string name, LogLevel lowest) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest && logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) log.Write(name, logLevel, formatter(state, exception), exception);
        }
    }
}
