using System.Collections;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Registries;

namespace Gantry.PowerShell.Completion;

/// <summary>Registries that this user is connected with. Reads one file, and decrypts nothing.</summary>
public sealed class RegistryCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound)
    {
        try
        {
            return CredentialFile.Default.Servers().Select(server => new Suggestion(server, ""));
        }
        catch (ContainerEngineException)
        {
            return [];   // a broken file is told by the cmdlets
        }
    }
}

/// <summary>Platforms that images are commonly made for.</summary>
public sealed class PlatformCompleter : WordCompleter
{
    private static readonly string[] Names = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/riscv64", "linux/s390x"];

    private protected override IEnumerable<Suggestion> Words => Names.Select(n => new Suggestion(n, ""));
}
