using System.CommandLine;
using EventStore.Benchmarks;

var benchmarks = new Dictionary<string, (string Description, Func<Task> Run)>
{
    ["append"] = ("AppendAsync over the in-memory engine, beside the bare engine", PipelineBenchmarks.AppendAsync),
    ["open"] = ("opening a stream of 1,000 events, beside bare deserializing", PipelineBenchmarks.OpenAsync),
    ["group-commit"] = ("batch sizes over a flush of 1 ms", PipelineBenchmarks.GroupCommitAsync),
};

var root = new RootCommand("Measures the event store against its floors, side by side in one run. Without a command: everything.");
foreach (var (name, (description, run)) in benchmarks)
{
    var command = new Command(name, description);
    command.SetAction(_ => run());
    root.Subcommands.Add(command);
}

var events = new Option<long>("--events") { Description = "how many events are stored", DefaultValueFactory = _ => 1_000_000 };
var perCommit = new Option<int>("--per-commit") { Description = "how many events a commit has", DefaultValueFactory = _ => 1 };
var replay = new Command("replay", "reading everything, beside a bare loop over the same files and bare deserializing") { events, perCommit };
replay.SetAction(parsed => ReplayBenchmarks.RunAsync(parsed.GetValue(events), parsed.GetValue(perCommit)));
root.Subcommands.Add(replay);
var streams = new Command("streams", "reading a stream of 1,000 events among many, beside bare reads of as many places") { events };
streams.SetAction(parsed => StreamBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(streams);

var opening = new Command("opening", "opening a store to first read and first append, after a close and after a kill, and the memory it takes") { events };
opening.SetAction(parsed => OpeningBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(opening);
var (task, directory, among) = (new Argument<string>("task"), new Argument<string>("directory"), new Argument<int>("streams"));
var child = new Command("opening-child", "what another process does for opening") { task, directory, among };
child.Hidden = true;
child.SetAction(parsed => OpeningBenchmarks.RunChildAsync(parsed.GetValue(task)!, parsed.GetValue(directory)!, parsed.GetValue(among)));
root.Subcommands.Add(child);

root.SetAction(async _ =>
{
    foreach (var (_, run) in benchmarks.Values) await run();
});
return await root.Parse(args).InvokeAsync();
