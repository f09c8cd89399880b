using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>A client that attached before the start: the supervisor's end of its socket pair, to be handed over with the start.</summary>
internal sealed record PendingAttach(Fd Socket, AttachedClient Client);
