using System.Buffers.Binary;

namespace Gantry.Integration.Harness;

/// <summary>Programs of a few instructions for x86-64, made here so that no compiler is needed.</summary>
internal static class TinyProgram
{
    /// <summary>
    /// A dynamic loader that is none: it opens <c>/proc/self/exe</c>, the program that it was to load, for writing and exits with the error number,
    /// or with 256 − the descriptor when that worked.
    /// </summary>
    public static byte[] OpensItsProgramForWriting()
    {
        byte[] path = "/proc/self/exe\0"u8.ToArray();
        byte[] code =
        [
            0xb8, 0x02, 0x00, 0x00, 0x00,               // mov eax, 2 (open)
            0x48, 0x8d, 0x3d, 0x16, 0x00, 0x00, 0x00,   // lea rdi, [rip + path]
            0xbe, 0x01, 0x02, 0x00, 0x00,               // mov esi, O_WRONLY | O_TRUNC
            0x0f, 0x05,                                 // syscall
            0xf7, 0xd8,                                 // neg eax
            0x89, 0xc7,                                 // mov edi, eax
            0xb8, 0xe7, 0x00, 0x00, 0x00,               // mov eax, 231 (exit_group)
            0x0f, 0x05,                                 // syscall
            0x0f, 0x0b, 0x0f, 0x0b,                     // never reached
        ];
        byte[] file = new byte[120 + code.Length + path.Length];
        var header = file.AsSpan();
        "\x7f"u8.CopyTo(header);
        "ELF"u8.CopyTo(header[1..]);
        (header[4], header[5], header[6]) = (2, 1, 1);                                      // 64 bits, little endian, version 1
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 3);                          // ET_DYN
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], 62);                         // EM_X86_64
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], 120);                        // entry
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], 64);                         // program headers
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header[64..], 1);                          // PT_LOAD
        BinaryPrimitives.WriteUInt32LittleEndian(header[68..], 5);                          // readable, executable
        BinaryPrimitives.WriteUInt64LittleEndian(header[96..], (ulong)file.Length);         // size in the file
        BinaryPrimitives.WriteUInt64LittleEndian(header[104..], (ulong)file.Length);        // size in memory
        BinaryPrimitives.WriteUInt64LittleEndian(header[112..], 4096);
        code.CopyTo(header[120..]);
        path.CopyTo(header[(120 + code.Length)..]);
        return file;
    }
}
