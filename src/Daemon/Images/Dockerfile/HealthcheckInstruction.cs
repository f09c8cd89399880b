using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary><c>HEALTHCHECK [flags] CMD …</c> and <c>HEALTHCHECK NONE</c> (Dockerfile reference).</summary>
internal static class HealthcheckInstruction
{
    private const long Millisecond = 1_000_000;

    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static HealthConfig Parse(Instruction instruction)
    {
        if (instruction.Words.Count == 0) throw EngineException.InvalidParameter("HEALTHCHECK requires at least one argument");
        string type = instruction.Words[0].ToUpperInvariant();
        string[] command = [.. instruction.Words.Skip(1)];
        switch (type)
        {
            case "NONE":
                return command.Length == 0 ? new HealthConfig { Test = ["NONE"] } : throw EngineException.InvalidParameter("HEALTHCHECK NONE takes no arguments");
            case "CMD":
                var flags = InstructionFlags.Read(instruction, ["interval", "timeout", "start-period", "start-interval", "retries"]);
                if (command.Length == 0) throw EngineException.InvalidParameter("Missing command after HEALTHCHECK CMD");
                return new HealthConfig
                {
                    Test = [instruction.IsJson ? "CMD" : "CMD-SHELL", .. command],
                    Interval = Duration(flags, "interval"),
                    Timeout = Duration(flags, "timeout"),
                    StartPeriod = Duration(flags, "start-period"),
                    StartInterval = Duration(flags, "start-interval"),
                    Retries = Retries(flags.Text("retries")),
                };
            default:
                throw EngineException.InvalidParameter($"Unknown type {GoText.Quote(type)} in HEALTHCHECK (try CMD)");
        }
    }

    private static long Duration(InstructionFlags flags, string name)
    {
        string text = flags.Text(name);
        if (text.Length == 0) return 0;
        long nanoseconds = GoText.Duration(text) ?? throw EngineException.InvalidParameter($"time: invalid duration {GoText.Quote(text)}");
        if (nanoseconds != 0 && nanoseconds < Millisecond) throw EngineException.InvalidParameter($"Interval {GoText.Quote(name)} cannot be less than 1ms");
        return nanoseconds;
    }

    private static int Retries(string text)
    {
        if (text.Length == 0) return 0;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int retries))
            throw EngineException.InvalidParameter($"strconv.ParseInt: parsing {GoText.Quote(text)}: invalid syntax");
        return retries >= 0 ? retries : throw EngineException.InvalidParameter(string.Create(CultureInfo.InvariantCulture, $"--retries cannot be negative ({retries})"));
    }
}
