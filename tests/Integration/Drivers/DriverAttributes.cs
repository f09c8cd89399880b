using System.Reflection;
using Gantry.Integration.Harness;
using Xunit.Sdk;

namespace Gantry.Integration.Drivers;

/// <summary>A row of a theory: one exec driver. Skipped, with the reason, where its program is missing or where it cannot do what the test asks.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public abstract class DriverAttribute : DataAttribute
{
    private protected DriverAttribute(string name, string? program)
    {
        Name = name;
        if (program is not null && !Programs.IsInstalled(program)) Skip = $"{program} is not installed";
    }

    /// <summary>As <c>HostConfig.Runtime</c> has it.</summary>
    public string Name { get; }

    /// <summary>Why this driver cannot do what the test asks; the table in docs/exec-drivers.md says the same.</summary>
    public string? Gap
    {
        get;
        set => Skip = field = value;
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Name]];
}

public sealed class NativeAttribute() : DriverAttribute("native", null);

public sealed class RuncAttribute() : DriverAttribute("runc", "runc");

public sealed class CrunAttribute() : DriverAttribute("crun", "crun");

public sealed class LxcAttribute() : DriverAttribute("lxc", "lxc-start");

/// <summary>This build's own OCI runtime, driven from outside like any other.</summary>
public sealed class GantryRuntimeAttribute() : DriverAttribute(DriverEngine.GantryRuntime, null);
