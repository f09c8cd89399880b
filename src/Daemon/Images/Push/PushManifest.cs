using System.Text.Encodings.Web;
using System.Text.Json;
using Gantry.Daemon.Images.Pull;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Push;

/// <summary>The manifest of a pushed image: Docker's schema 2, to the byte as dockerd writes it, so that the same layers give the same digest.</summary>
internal static class PushManifest
{
    public const string ConfigType = "application/vnd.docker.container.image.v1+json", LayerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    private static readonly JsonWriterOptions Form = new() { Indented = true, IndentSize = 3, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    public static byte[] Write(OciDescriptor config, IEnumerable<OciDescriptor> layers)
    {
        using var content = new MemoryStream();
        using (var writer = new Utf8JsonWriter(content, Form))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", ManifestReader.DockerManifest);
            writer.WritePropertyName("config");
            Write(writer, config);
            writer.WriteStartArray("layers");
            foreach (var layer in layers) Write(writer, layer);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return content.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, OciDescriptor descriptor)
    {
        writer.WriteStartObject();
        writer.WriteString("mediaType", descriptor.MediaType);
        writer.WriteNumber("size", descriptor.Size);
        writer.WriteString("digest", descriptor.Digest);
        writer.WriteEndObject();
    }
}
