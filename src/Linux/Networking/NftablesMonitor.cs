using Gantry.Linux.Kernel;

namespace Gantry.Linux.Networking;

/// <summary>Hears of every change to the packet filter of the namespace in which it is made (nft(8), "monitor").</summary>
public sealed class NftablesMonitor : IDisposable
{
    private const int Netfilter = 12, GroupNftables = 7;
    private const ushort NewGeneration = 10 << 8 | 15;   // NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN

    private readonly NetlinkSocket socket = new(Netfilter);
    private readonly byte[] buffer = new byte[65536];

    public NftablesMonitor() => socket.Subscribe(GroupNftables, "watch the packet filter");

    /// <summary>Readable when something has changed; then call <see cref="Read"/>.</summary>
    public Fd Signal => socket.Descriptor;

    /// <summary>Takes one datagram, which must be there. True when a transaction has been finished (this process's own too), or when messages were lost.</summary>
    public bool Read()
    {
        int length;
        try
        {
            length = socket.Receive(buffer, "read changes of the packet filter");
        }
        catch (KernelException e) when (e.Errno is Errno.ENOBUFS or Errno.EMSGSIZE)
        {
            return true;
        }
        ReadOnlySpan<byte> datagram = buffer.AsSpan(0, length);
        while (NetlinkMessage.TryTake(ref datagram, out var message))
            if (message.Type == NewGeneration) return true;
        return false;
    }

    public void Dispose() => socket.Dispose();
}
