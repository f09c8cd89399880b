using System.Globalization;
using System.Text;

namespace Gantry.Unit.Images;

/// <summary>Makes archives block by block, well-formed or not.</summary>
internal sealed class TarBuilder
{
    private readonly MemoryStream output = new();

    public static byte[] Of(Action<TarBuilder> build)
    {
        var builder = new TarBuilder();
        build(builder);
        return builder.Build();
    }

    public TarBuilder File(string name, string content = "", uint mode = 0x1a4, long uid = 0, long gid = 0, long modified = 1_700_000_000) =>
        File(name, Encoding.UTF8.GetBytes(content), mode, uid, gid, modified);

    public TarBuilder File(string name, byte[] content, uint mode = 0x1a4, long uid = 0, long gid = 0, long modified = 1_700_000_000) =>
        Entry('0', name, content, mode: mode, uid: uid, gid: gid, modified: modified);

    public TarBuilder Directory(string name, uint mode = 0x1ed, long uid = 0, long gid = 0, long modified = 1_700_000_000) =>
        Entry('5', name + "/", [], mode: mode, uid: uid, gid: gid, modified: modified);

    public TarBuilder SymbolicLink(string name, string target) => Entry('2', name, [], link: target, mode: 0x1ff);

    public TarBuilder HardLink(string name, string target) => Entry('1', name, [], link: target);

    public TarBuilder Device(char type, string name, uint major, uint minor) => Entry(type, name, [], major: major, minor: minor);

    public TarBuilder Fifo(string name) => Entry('6', name, []);

    /// <summary>An extended header for the entry that follows.</summary>
    public TarBuilder Pax(params (string Key, byte[] Value)[] records)
    {
        using var data = new MemoryStream();
        foreach (var (key, value) in records)
        {
            int rest = key.Length + value.Length + 3;
            int length = rest + rest.ToString(CultureInfo.InvariantCulture).Length;
            if (length.ToString(CultureInfo.InvariantCulture).Length > rest.ToString(CultureInfo.InvariantCulture).Length) length++;
            data.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length} {key}=")));
            data.Write(value);
            data.WriteByte((byte)'\n');
        }
        return Entry('x', "PaxHeaders/x", data.ToArray());
    }

    public TarBuilder Pax(params (string Key, string Value)[] records) => Pax([.. records.Select(r => (r.Key, Encoding.UTF8.GetBytes(r.Value)))]);

    public TarBuilder GnuLongName(string name) => Entry('L', "././@LongLink", Encoding.UTF8.GetBytes(name + "\0"));

    public TarBuilder GnuLongLink(string name) => Entry('K', "././@LongLink", Encoding.UTF8.GetBytes(name + "\0"));

    public TarBuilder Raw(byte[] bytes)
    {
        output.Write(bytes);
        return this;
    }

    public TarBuilder Entry(
        char type, string name, byte[] content, string link = "", uint mode = 0x1a4, long uid = 0, long gid = 0, long modified = 1_700_000_000,
        uint major = 0, uint minor = 0, long? size = null, Action<byte[]>? change = null)
    {
        byte[] block = new byte[512];
        Encoding.UTF8.GetBytes(name).AsSpan(0, Math.Min(Encoding.UTF8.GetByteCount(name), 100)).CopyTo(block);
        Number(block, 100, 8, mode);
        Number(block, 108, 8, uid);
        Number(block, 116, 8, gid);
        Number(block, 124, 12, size ?? content.Length);
        Number(block, 136, 12, modified);
        block[156] = (byte)type;
        Encoding.UTF8.GetBytes(link).AsSpan(0, Math.Min(Encoding.UTF8.GetByteCount(link), 100)).CopyTo(block.AsSpan(157));
        "ustar\00000"u8[..8].CopyTo(block.AsSpan(257));
        Number(block, 329, 8, major);
        Number(block, 337, 8, minor);
        change?.Invoke(block);
        block.AsSpan(148, 8).Fill((byte)' ');
        int sum = block.Sum(b => b);
        Number(block, 148, 7, sum);
        output.Write(block);
        output.Write(content);
        output.Write(new byte[-content.Length & 511]);
        return this;
    }

    public static void Number(byte[] block, int offset, int length, long value)
    {
        if (value < 0 || value >> (3 * (length - 1)) != 0)
        {
            block.AsSpan(offset, length).Fill((byte)(value < 0 ? 0xff : 0));
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(block.AsSpan(offset + length - 8, 8), value);
            block[offset] |= 0x80;
            return;
        }
        for (int i = length - 2; i >= 0; i--, value >>= 3) block[offset + i] = (byte)('0' + (value & 7));
        block[offset + length - 1] = 0;
    }

    public byte[] Build(bool end = true)
    {
        if (end) output.Write(new byte[1024]);
        return output.ToArray();
    }
}
