using Gantry.Daemon.Client;
using Gantry.Daemon.Options;
using Gantry.Daemon.Roles;
using Gantry.Supervisor;
using Gantry.Supervisor.Runtime;

// One executable, several programs: before anything else argv[0] is looked up (reference A1, A2).
var roles = new RoleRegistry();
roles.Register("gantryd", DaemonRole.Run);
roles.Register(SupervisorRole.Name, SupervisorRole.Run);
roles.Register(RuntimeRole.Name, RuntimeRole.Run);

var run = roles.Find(InvokedName.Read()) ?? (DaemonCommandLine.AsksForDaemon(args) ? DaemonRole.Run : ClientRole.Run);
return run(args);
