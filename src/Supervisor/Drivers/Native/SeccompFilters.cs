using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>The compiled form of a spec's seccomp object; the compiler keeps what it has compiled.</summary>
internal static class SeccompFilters
{
    /// <summary>Instructions and flags for seccomp(2); empty without a specification.</summary>
    /// <exception cref="DriverException">The profile is not valid, or libseccomp is missing.</exception>
    public static (ReadOnlyMemory<byte> Filter, uint Flags) Compile(RawJson? spec)
    {
        if (spec is null) return default;
        try
        {
            var program = SeccompCompiler.Compile(spec.Utf8.Span);
            return (program.Bytes.ToArray(), program.Flags);
        }
        catch (SeccompException e)
        {
            throw new DriverException(new Failure { Message = e.Message }, e);
        }
    }
}
