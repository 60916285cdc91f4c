using System.CommandLine;
using EventStore;
using EventStore.Benchmarks;

var benchmarks = new Dictionary<string, (string Description, Func<CommitBenchmarks, Task> Run)>
{
    ["append"] = ("AppendAsync over the in-memory engine, beside the bare engine", _ => PipelineBenchmarks.AppendAsync()),
    ["open"] = ("opening a stream of 1,000 events, beside bare deserializing", _ => PipelineBenchmarks.OpenAsync()),
    ["group-commit"] = ("batch sizes over a flush of 1 ms", _ => PipelineBenchmarks.GroupCommitAsync()),
    ["durable-1"] = ("file engine, durable: one committer, one event a commit (W1)", commits => commits.OneCommitterAsync(FileSystemDurability.Durable)),
    ["durable-64"] = ("file engine, durable: 64 committers beside one (W2)", commits => commits.ManyCommittersAsync(FileSystemDurability.Durable)),
    ["durable-10"] = ("file engine, durable: one committer, ten events a commit (W3)", commits => commits.TenEventsAsync(FileSystemDurability.Durable)),
    ["fast-1"] = ("file engine, fast: one committer, one event a commit (W1)", commits => commits.OneCommitterAsync(FileSystemDurability.Fast)),
    ["fast-64"] = ("file engine, fast: 64 committers beside one (W2)", commits => commits.ManyCommittersAsync(FileSystemDurability.Fast)),
    ["fast-10"] = ("file engine, fast: one committer, ten events a commit (W3)", commits => commits.TenEventsAsync(FileSystemDurability.Fast)),
    ["fast-100k"] = ("file engine, fast: the time to store 100,000 events", commits => commits.HundredThousandAsync()),
    ["disk"] = ("file engine: bytes on disk per commit (W8)", commits => commits.DiskAsync()),
    ["new-streams"] = ("file engine, fast: 1,000,000 streams made, first tenth beside the last", commits => commits.MillionStreamsAsync()),
};

var directory = new Option<string>("--directory") { Description = "Where stores are made, on the disk to be measured. Default: the temporary folder.", Recursive = true, DefaultValueFactory = _ => Path.GetTempPath() };
var references = new Option<string[]>("--reference") { Description = "A program to measure against: 'benchmark:name=command'. It prints its rate as the last line. May be repeated.", Recursive = true };
var root = new RootCommand("Measures the event store against its floors, side by side in one run. Without a command: everything.");
root.Options.Add(directory);
root.Options.Add(references);

CommitBenchmarks CommitsOf(ParseResult parsed) => new(parsed.GetValue(directory)!, [.. (parsed.GetValue(references) ?? []).Select(OtherProgram.Parse)]);
foreach (var (name, (description, run)) in benchmarks)
{
    var command = new Command(name, description);
    command.SetAction(parsed => run(CommitsOf(parsed)));
    root.Subcommands.Add(command);
}

root.SetAction(async parsed =>
{
    foreach (var (_, run) in benchmarks.Values) await run(CommitsOf(parsed));
});
return await root.Parse(args).InvokeAsync();
