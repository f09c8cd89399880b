namespace Gantry.Supervisor.Runtime;

/// <summary>A verb of the runtime cannot be done; the message is for the caller's log and standard error.</summary>
internal sealed class RuntimeException(string message, Exception? inner = null) : Exception(message, inner);
