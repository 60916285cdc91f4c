using System.CommandLine;
using EventStore.Benchmarks;

var benchmarks = new Dictionary<string, (string Description, Func<Task> Run)>
{
    ["append"] = ("AppendAsync over the in-memory engine, beside the bare engine", PipelineBenchmarks.AppendAsync),
    ["open"] = ("opening a stream of 1,000 events, beside bare deserializing", PipelineBenchmarks.OpenAsync),
    ["mongo"] = ("the MongoDB engine, beside the bare driver on the same server", MongoBenchmarks.RunAsync),
    ["group-commit"] = ("batch sizes over a flush of 1 ms", PipelineBenchmarks.GroupCommitAsync),
};

var root = new RootCommand("Measures the event store against its floors, side by side in one run. Without a command: everything.");
foreach (var (name, (description, run)) in benchmarks)
{
    var command = new Command(name, description);
    command.SetAction(_ => run());
    root.Subcommands.Add(command);
}

root.SetAction(async _ =>
{
    foreach (var (_, run) in benchmarks.Values) await run();
});
return await root.Parse(args).InvokeAsync();
