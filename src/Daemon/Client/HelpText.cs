using System.Text;
using Gantry.Protocol.Engine;

namespace Gantry.Daemon.Client;

/// <summary>Usage texts, made of the engine's descriptions.</summary>
internal static class HelpText
{
    public const string General =
        """
        Usage: gantry [-H ADDRESS] COMMAND [arguments]
               gantry help [COMMAND]
               gantry -d [flags]          run the daemon; gantry -d --help shows its flags

          -H, --host       address of the engine: unix://path, tcp://host:port; else GANTRY_HOST, else DOCKER_HOST
          --tls, --tlsverify, --tlscacert, --tlscert, --tlskey
          -v, --version    print the version and exit
          -h, --help       print this text and exit

        The commands are the engine's own: gantry help lists them.

        """;

    public static string List(IEnumerable<CommandDescription> commands)
    {
        var shown = commands.Where(c => !c.Internal).ToList();
        int width = shown.Count == 0 ? 0 : shown.Max(c => c.Name.Length);
        var text = new StringBuilder(General).Append('\n');
        foreach (var command in shown) text.Append("  ").Append(command.Name.PadRight(width)).Append("  ").Append(command.Synopsis).Append('\n');
        return text.ToString();
    }

    public static string Of(CommandDescription command)
    {
        var text = new StringBuilder("Usage: gantry ").Append(command.Name);
        foreach (var parameter in command.Parameters.Where(p => p.Position >= 0).OrderBy(p => p.Position))
        {
            string name = parameter.Type == "strings" ? parameter.Name + " …" : parameter.Name;
            text.Append(parameter.Required ? $" {name}" : $" [{name}]");
        }
        if (command.Parameters.Exists(p => p.Position < 0 && p.Type != "stream")) text.Append(" [--name value …]");
        if (command.Parameters.Exists(p => p.Type == "stream")) text.Append(" < input");
        text.Append("\n\n").Append(command.Synopsis).Append("\n\n");
        int width = command.Parameters.Count == 0 ? 0 : command.Parameters.Max(p => p.Name.Length + p.Type.Length);
        foreach (var parameter in command.Parameters)
        {
            text.Append("  ").Append(parameter.Type == "stream" ? "  " : "--").Append($"{parameter.Name} {parameter.Type}".PadRight(width + 1)).Append("  ").Append(parameter.Description);
            if (parameter.Required) text.Append(" Required.");
            if (parameter.Default is { } value) text.Append(" Default: ").Append(value).Append('.');
            text.Append('\n');
        }
        if (command.Parameters.Exists(p => p is { In: "body", Type: "object" })) text.Append($"\n  Fields of {command.Request} are given by their names: --Field value, --Field.Inner value.\n");
        text.Append("\nAnswers: ").Append(command.Response).Append('\n');
        foreach (string route in command.Routes) text.Append("Route: ").Append(route).Append('\n');
        text.Append("Since: ").Append(command.Since == "gantry" ? "Gantry" : "API " + command.Since).Append('\n');
        return text.ToString();
    }
}
