using System.Diagnostics;

namespace Gantry.Unit.Images;

/// <summary>Compresses by the machine's own programs: what comes out is not of our making.</summary>
internal static class Compressor
{
    public static byte[] Run(string program, byte[] data)
    {
        using var process = Process.Start(new ProcessStartInfo(program, "-c") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        using var output = new MemoryStream();
        var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
        process.StandardInput.BaseStream.Write(data);
        process.StandardInput.Close();
        reading.GetAwaiter().GetResult();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }
}
