using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Engine;

/// <summary>Looking at jobs, waiting for them, and stopping them.</summary>
public static class JobCommands
{
    public static readonly Command<Nothing, List<JobDescription>> List = new("job_list", "Lists jobs that run, and detached ones that have ended.")
    {
        Bind = _ => default,
        Response = WireJson.TypeInfo<List<JobDescription>>(),
        Routes = ["GET /engine/jobs"],
        Since = "gantry",
        Permission = "read",
    };

    public static readonly Command<JobInspectRequest, JobDescription> Inspect = new("job_inspect", "Shows one job, with the result of a detached one that has ended.")
    {
        Parameters =
        [
            Parameter.Path("id", "The job's id."),
            Parameter.Query("wait", ParameterType.Boolean, "Answer when the job has ended.", "false"),
        ],
        Bind = a => new JobInspectRequest(a.Required("id"), a.Boolean("wait")),
        Response = WireJson.TypeInfo<JobDescription>(),
        Routes = ["GET /engine/jobs/{id}"],
        Since = "gantry",
        Permission = "read",
        Observes = true,
    };

    public static readonly Command<string, Nothing> Stop = new("job_stop", "Asks a job to end; one that has ended is forgotten.")
    {
        Parameters = [Parameter.Path("id", "The job's id.")],
        Bind = a => a.Required("id"),
        Routes = ["DELETE /engine/jobs/{id}"],
        Since = "gantry",
    };

    internal static void RegisterJobCommands(this Engine engine)
    {
        // The asking job itself is left out: it would be in every answer.
        engine.Register(List, (self, _, _) => Task.FromResult(engine.Jobs.Where(j => j != self).Select(j => j.Describe()).ToList()));
        engine.Register(Inspect, async (_, request, cancellation) =>
        {
            var job = Find(engine, request.Id);
            if (request.Wait) await job.Finished.Task.WaitAsync(cancellation).ConfigureAwait(false);
            return job.Describe();
        });
        engine.Register(Stop, (_, id, _) =>
        {
            var job = Find(engine, id);
            if (job.Command == EngineCommands.ServeApi.Name) throw EngineException.Forbidden($"job {id} serves the API: stop the engine instead");
            if (job.FinishedAt is null) job.Stop();
            else engine.Forget(job);
            return Task.FromResult(default(Nothing));
        });
    }

    private static Job Find(Engine engine, string id) => engine.FindJob(id) ?? throw EngineException.NotFound($"No such job: {id}");
}

public sealed record JobInspectRequest(string Id, bool Wait);
