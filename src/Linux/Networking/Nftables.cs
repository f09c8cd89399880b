using System.Runtime.InteropServices;
using System.Text;

namespace Gantry.Linux.Networking;

/// <summary>The kernel's packet filter, through libnftables: texts of the nft language, each carried out as one transaction (nft(8), libnftables(3)).</summary>
/// <remarks>It acts on the network namespace of the thread that makes it. One text at a time; callers wait for each other.</remarks>
public sealed unsafe class Nftables : IDisposable
{
    private const string Library = "libnftables.so.1";
    private readonly Lock gate = new();
    private nint context;

    /// <exception cref="NftablesException">The library is missing.</exception>
    public Nftables()
    {
        try
        {
            context = New(0);
        }
        catch (DllNotFoundException e)
        {
            throw new NftablesException("libnftables.so.1 is missing: install the package libnftables1", "", e);
        }
        if (context == 0) throw new NftablesException("libnftables gives no context", "");
        // Errors and output are kept for us and do not go to this process's own streams.
        BufferError(context);
        BufferOutput(context);
    }

    /// <summary>Carries out commands: all of them, or none when one fails.</summary>
    /// <param name="handles">Listings show the handles by which single rules can be deleted.</param>
    /// <returns>What <c>list</c> commands print.</returns>
    /// <exception cref="NftablesException">What nft says of it.</exception>
    public string Run(string commands, bool handles = false)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(context == 0, this);
            const uint showHandles = 1 << 3;   // NFT_CTX_OUTPUT_HANDLE
            SetOutput(context, handles ? showHandles : 0);
            int result;
            fixed (byte* text = Encoding.UTF8.GetBytes(commands + "\0")) result = RunCommand(context, text);
            string output = Marshal.PtrToStringUTF8(GetOutput(context)) ?? "", error = Marshal.PtrToStringUTF8(GetError(context)) ?? "";
            return result == 0 ? output : throw new NftablesException(Summary(error), error);
        }
    }

    /// <summary>The first line, without the place in the text.</summary>
    private static string Summary(string error)
    {
        string line = error.Split('\n', 2)[0];
        int at = line.IndexOf("Error: ", StringComparison.Ordinal);
        return "nftables: " + (at < 0 ? line : line[(at + 7)..]);
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (context != 0) Free(context);
            context = 0;
        }
    }

    [DllImport(Library, EntryPoint = "nft_ctx_new")]
    private static extern nint New(uint flags);

    [DllImport(Library, EntryPoint = "nft_ctx_free")]
    private static extern void Free(nint context);

    [DllImport(Library, EntryPoint = "nft_ctx_buffer_output")]
    private static extern int BufferOutput(nint context);

    [DllImport(Library, EntryPoint = "nft_ctx_buffer_error")]
    private static extern int BufferError(nint context);

    [DllImport(Library, EntryPoint = "nft_ctx_output_set_flags")]
    private static extern void SetOutput(nint context, uint flags);

    [DllImport(Library, EntryPoint = "nft_ctx_get_output_buffer")]
    private static extern nint GetOutput(nint context);

    [DllImport(Library, EntryPoint = "nft_ctx_get_error_buffer")]
    private static extern nint GetError(nint context);

    [DllImport(Library, EntryPoint = "nft_run_cmd_from_buffer")]
    private static extern int RunCommand(nint context, byte* commands);
}

/// <summary>nftables refused a text.</summary>
/// <param name="details">All that nft said, with the place of the error in the text.</param>
public sealed class NftablesException(string message, string details, Exception? inner = null) : IOException(message, inner)
{
    public string Details { get; } = details;
}
