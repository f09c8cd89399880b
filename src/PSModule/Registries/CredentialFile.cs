using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gantry.PowerShell.Objects;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Registries;

/// <summary>The registries that this user is connected with: names in the open, passwords encrypted.</summary>
/// <remarks>
/// <c>registries.json</c> maps a server to a text: <c>aes:</c> and base64 of nonce, tag and ciphertext of AES-256-GCM, with the server's name
/// bound to it; or <c>vault:NAME:USER</c>, the password being in that vault. The key is in <c>registries.key</c> beside it. Both files can be
/// read by their owner alone: whoever copies the one file has nothing, whoever can read both is the user. Files are replaced as a whole, under a lock.
/// </remarks>
internal sealed class CredentialFile(string folder)
{
    private const string Encrypted = "aes:", InVault = "vault:";
    private const int KeySize = 32, NonceSize = 12, TagSize = 16;

    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(5);

    /// <summary>This user's: <c>~/.config/gantry</c>, <c>%APPDATA%\gantry</c>, or the folder in <c>GANTRY_CONFIG</c>.</summary>
    public static CredentialFile Default => new(Environment.GetEnvironmentVariable("GANTRY_CONFIG") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "gantry"));

    private string FilePath => Path.Combine(folder, "registries.json");

    private string KeyPath => Path.Combine(folder, "registries.key");

    /// <summary>Names of the servers. Decrypts nothing.</summary>
    public IReadOnlyList<string> Servers() => [.. Read().Keys];

    /// <exception cref="ContainerEngineException">The file or its key is broken.</exception>
    public IReadOnlyList<StoredRegistry> List() => [.. Read().Select(entry => Describe(entry.Key, entry.Value))];

    /// <summary>Null when there is none.</summary>
    public StoredRegistry? Find(string server) => Read().TryGetValue(server, out string? text) ? Describe(server, text) : null;

    /// <summary>The login that the file itself has; null when it has none, or a vault has it.</summary>
    public RegistryLogin? Open(string server) =>
        Read().TryGetValue(server, out string? text) && text.StartsWith(Encrypted, StringComparison.Ordinal) ? Decrypt(server, text) : null;

    public void Save(RegistryLogin login) => Change(entries => entries[login.Server] = Encrypt(login));

    /// <summary>Notes that a vault has the login.</summary>
    public void SaveReference(string server, string vault, string user) => Change(entries => entries[server] = $"{InVault}{Uri.EscapeDataString(vault)}:{Uri.EscapeDataString(user)}");

    public void Remove(string server) => Change(entries => entries.Remove(server));

    private StoredRegistry Describe(string server, string text)
    {
        if (text.StartsWith(Encrypted, StringComparison.Ordinal)) return new StoredRegistry(server, Decrypt(server, text).UserName, "");
        string[] parts = text.Split(':');
        return parts is ["vault", var vault, var user] ? new StoredRegistry(server, Uri.UnescapeDataString(user), Uri.UnescapeDataString(vault)) : throw Broken(server, null);
    }

    private SortedDictionary<string, string> Read()
    {
        try
        {
            if (!File.Exists(FilePath)) return new(StringComparer.Ordinal);
            var entries = JsonSerializer.Deserialize(File.ReadAllBytes(FilePath), WireJson.TypeInfo<SortedDictionary<string, string>>());
            return entries is null ? new(StringComparer.Ordinal) : new(entries, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"The file of registries {FilePath} cannot be read: {e.Message}", e);
        }
    }

    private void Change(Action<SortedDictionary<string, string>> change)
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var held = Lock();
            var entries = Read();
            change(entries);
            Replace(FilePath, JsonSerializer.SerializeToUtf8Bytes(entries, WireJson.TypeInfo<SortedDictionary<string, string>>()));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContainerEngineException(EngineErrorKind.AccessDenied, $"The file of registries {FilePath} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Another process may be changing it: it takes milliseconds.</summary>
    private FileStream Lock()
    {
        long until = Environment.TickCount64 + (long)LockLimit.TotalMilliseconds;
        while (true)
        {
            try
            {
                return OpenPrivate(Path.Combine(folder, "registries.lock"), FileMode.OpenOrCreate);
            }
            catch (IOException) when (Environment.TickCount64 < until)
            {
                Thread.Sleep(10);
            }
        }
    }

    private static void Replace(string path, byte[] content)
    {
        string temporary = $"{path}.{Environment.ProcessId}";
        using (var file = OpenPrivate(temporary, FileMode.Create))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>A file that its owner alone may read, from its first moment on.</summary>
    private static FileStream OpenPrivate(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    private string Encrypt(RegistryLogin login)
    {
        byte[] plain = login.ToBytes(), sealedBytes = new byte[NonceSize + TagSize + plain.Length];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceSize));
        using var aes = new AesGcm(Key(create: true), TagSize);
        aes.Encrypt(sealedBytes.AsSpan(0, NonceSize), plain, sealedBytes.AsSpan(NonceSize + TagSize), sealedBytes.AsSpan(NonceSize, TagSize), Encoding.UTF8.GetBytes(login.Server));
        CryptographicOperations.ZeroMemory(plain);
        return Encrypted + Convert.ToBase64String(sealedBytes);
    }

    private RegistryLogin Decrypt(string server, string text)
    {
        try
        {
            byte[] sealedBytes = Convert.FromBase64String(text[Encrypted.Length..]);
            byte[] plain = new byte[Math.Max(0, sealedBytes.Length - NonceSize - TagSize)];
            using var aes = new AesGcm(Key(create: false), TagSize);
            aes.Decrypt(sealedBytes.AsSpan(0, NonceSize), sealedBytes.AsSpan(NonceSize + TagSize), sealedBytes.AsSpan(NonceSize, TagSize), plain, Encoding.UTF8.GetBytes(server));
            return RegistryLogin.Parse(server, plain);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException or JsonException or IOException or UnauthorizedAccessException)
        {
            throw Broken(server, e);
        }
    }

    private byte[] Key(bool create)
    {
        if (create && !File.Exists(KeyPath)) Replace(KeyPath, RandomNumberGenerator.GetBytes(KeySize));
        byte[] key = File.ReadAllBytes(KeyPath);
        return key.Length == KeySize ? key : throw new CryptographicException("the key has the wrong length");
    }

    private ContainerEngineException Broken(string server, Exception? inner) =>
        new(EngineErrorKind.InvalidRequest, $"What is stored for the registry {server} cannot be read with the key {KeyPath}: connect with it again.", inner);
}
