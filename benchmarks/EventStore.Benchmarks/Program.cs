using System.CommandLine;
using EventStore;
using EventStore.Benchmarks;

var benchmarks = new Dictionary<string, (string Description, Func<CommitBenchmarks, Task> Run)>
{
    ["append"] = ("AppendAsync over the in-memory engine, beside the bare engine", _ => PipelineBenchmarks.AppendAsync()),
    ["open"] = ("opening a stream of 1,000 events, beside bare deserializing", _ => PipelineBenchmarks.OpenAsync()),
    ["group-commit"] = ("batch sizes over a flush of 1 ms", _ => PipelineBenchmarks.GroupCommitAsync()),
    ["durable-1"] = (
        "file engine, durable: one committer, one event a commit (W1)",
        commits => commits.OneCommitterAsync(Durability.Durable)),
    ["durable-64"] = ("file engine, durable: 64 committers beside one (W2)", commits => commits.ManyCommittersAsync(Durability.Durable)),
    ["durable-10"] = (
        "file engine, durable: one committer, ten events a commit (W3)",
        commits => commits.TenEventsAsync(Durability.Durable)),
    ["fast-1"] = ("file engine, fast: one committer, one event a commit (W1)", commits => commits.OneCommitterAsync(Durability.Fast)),
    ["fast-64"] = ("file engine, fast: 64 committers beside one (W2)", commits => commits.ManyCommittersAsync(Durability.Fast)),
    ["fast-10"] = ("file engine, fast: one committer, ten events a commit (W3)", commits => commits.TenEventsAsync(Durability.Fast)),
    ["fast-100k"] = ("file engine, fast: the time to store 100,000 events", commits => commits.HundredThousandAsync()),
    ["disk"] = ("file engine: bytes on disk per commit (W8)", commits => commits.DiskAsync()),
    ["new-streams"] = ("file engine, fast: 1,000,000 streams made, first tenth beside the last", commits => commits.MillionStreamsAsync()),
    ["sqlite"] = ("commits and reads of the SQLite engine, beside bare prepared statements", _ => SqliteBenchmarks.RunAsync()),
    ["sqlite-growth"] = ("the same on 1,000 and on 5,000,000 stored events", _ => SqliteBenchmarks.GrowthAsync()),
    ["postgres-commits"] = (
        "PostgreSQL on a private server: commits, beside a bare loop of its driver and pgbench",
        _ => PostgresBenchmarks.CommitsAsync()),
    ["postgres-reads"] = ("PostgreSQL on a private server: reads, beside a bare reader", _ => PostgresBenchmarks.ReadsAsync()),
    ["postgres-growth"] = (
        "PostgreSQL on a private server: the same at 1,000 and at many stored events",
        _ => PostgresBenchmarks.GrowthAsync()),
    ["redis"] = (
        "the Redis backend, beside redis-benchmark and the npm package eventstore on the same server",
        _ => RedisBenchmarks.RunAsync()),
    ["mongo"] = ("the MongoDB engine, beside the bare driver on the same server", _ => MongoBenchmarks.RunAsync()),
    ["seats"] = (
        "every backend: writers that want the same seats, by conditions beside expected revisions",
        _ => ConditionBenchmarks.SeatsAsync()),
};

var directory = new Option<string>("--directory")
{
    Description = "Where stores are made, on the disk to be measured. Default: the temporary folder.",
    Recursive = true,
    DefaultValueFactory = _ => Path.GetTempPath(),
};
var references = new Option<string[]>("--reference")
{
    Description = "A program to measure against: 'benchmark:name=command'. It prints its rate as the last line. May be repeated.",
    Recursive = true,
};
var root = new RootCommand("Measures the event store against its floors, side by side in one run. Without a command: everything.");
root.Options.Add(directory);
root.Options.Add(references);

CommitBenchmarks CommitsOf(ParseResult parsed) =>
    new(parsed.GetValue(directory)!, [.. (parsed.GetValue(references) ?? []).Select(OtherProgram.Parse)]);
CallerBenchmarks CallersOf(ParseResult parsed) =>
    new(parsed.GetValue(directory)!, [.. (parsed.GetValue(references) ?? []).Select(OtherProgram.Parse)]);
foreach (var (name, (description, run)) in benchmarks)
{
    var command = new Command(name, description);
    command.SetAction(parsed => run(CommitsOf(parsed)));
    root.Subcommands.Add(command);
}

var events = new Option<long>("--events") { Description = "how many events are stored", DefaultValueFactory = _ => 1_000_000 };
var perCommit = new Option<int>("--per-commit") { Description = "how many events a commit has", DefaultValueFactory = _ => 1 };
var replay = new Command("replay", "reading everything, beside a bare loop over the same files and bare deserializing")
{
    events, perCommit,
};
replay.SetAction(parsed => ReplayBenchmarks.RunAsync(parsed.GetValue(events), parsed.GetValue(perCommit)));
root.Subcommands.Add(replay);
var streams = new Command("streams", "reading a stream of 1,000 events among many, beside bare reads of as many places") { events };
streams.SetAction(parsed => StreamBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(streams);
var categories = new Command("categories", "reading a category and a tag of 1,000 events among many, beside a stream of as many")
{
    events,
};
categories.SetAction(parsed => ConditionBenchmarks.CategoriesAsync(parsed.GetValue(events)));
root.Subcommands.Add(categories);

var deciders = new Command("deciders", "commands to one long stream over files: with snapshots, with a cache of states") { events };
deciders.SetAction(parsed => DeciderBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(deciders);

var opening = new Command(
    "opening",
    "opening a store to first read and first append, after a close and after a kill, and the memory it takes")
{
    events,
};
opening.SetAction(parsed => OpeningBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(opening);
var (task, place) = (new Argument<string>("task"), new Argument<string>("directory"));
var (among, stored) = (new Argument<int>("streams"), new Argument<int>("events"));
var child = new Command("opening-child", "what another process does for opening") { task, place, among, stored };
child.Hidden = true;
child.SetAction(parsed =>
    OpeningBenchmarks.RunChildAsync(parsed.GetValue(task)!, parsed.GetValue(place)!, parsed.GetValue(among), parsed.GetValue(stored)));
root.Subcommands.Add(child);

var consumers = new Command(
    "consumers",
    "consumers over everything, beside bare reads; ten at once; a rare filter and its memory; live latency")
{
    events,
};
consumers.SetAction(parsed => ConsumerBenchmarks.RunAsync(parsed.GetValue(events)));
root.Subcommands.Add(consumers);
var rare = new Command("consumers-child", "what another process does for consumers") { place };
rare.Hidden = true;
rare.SetAction(parsed => ConsumerBenchmarks.RunChildAsync(parsed.GetValue(place)!));
root.Subcommands.Add(rare);

var callers = new Command(
    "callers", "AppendAsync over files by how it is called: alone, many, without awaiting, blocking threads of the pool");
callers.SetAction(parsed => CallersOf(parsed).RunAsync());
root.Subcommands.Add(callers);
var callersChild = new Command("callers-child", "one workload of callers, in this process") { task };
callersChild.Hidden = true;
callersChild.SetAction(parsed => CallersOf(parsed).RunChildAsync(parsed.GetValue(task)!));
root.Subcommands.Add(callersChild);

root.SetAction(async parsed =>
{
    foreach (var (_, run) in benchmarks.Values) await run(CommitsOf(parsed));
});
return await root.Parse(args).InvokeAsync();
