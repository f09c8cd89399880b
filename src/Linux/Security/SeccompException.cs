namespace Gantry.Linux.Security;

/// <summary>A seccomp profile cannot be read or compiled: what is wrong with it, or with this machine.</summary>
public sealed class SeccompException(string message, Exception? inner = null) : Exception(message, inner);
