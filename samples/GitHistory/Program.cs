using System.CommandLine;
using EventStore;
using GitHistory;
using Spectre.Console;

var path = new Argument<string>("path") { Description = "A directory in the repository to read.", DefaultValueFactory = _ => "." };
var address = new Option<string>("--store")
{
    Description =
        "Where to store: file:directory, sqlite:file, postgres:connection string, redis:host:port, mongodb:connection string or memory:.",
    HelpName = "address",
    DefaultValueFactory = _ => "file:artifacts/git-history",
};
var writers = Number("--writers", "How many files are written at once.", 64);
var interval = Number("--snapshot-every", "A file gets a snapshot after so many events.", 5);
var command = new RootCommand("Stores the history of a git repository, one stream for each file, and reports on it by replaying.")
{
    path, address, writers, interval,
};
if (Console.IsOutputRedirected)
{
    AnsiConsole.Console = AnsiConsole.Create(new()
    {
        Ansi = AnsiSupport.No,
        ColorSystem = ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
    });
}

command.SetAction(async (choices, cancellationToken) =>
{
    try
    {
        await RunAsync(
            choices.GetValue(path)!, choices.GetValue(address)!, choices.GetValue(writers), choices.GetValue(interval), cancellationToken);
        return 0;
    }
    catch (OperationCanceledException)
    {
        await Console.Error.WriteLineAsync("Stopped. Where the store keeps what it has, the next import goes on from here.");
        return 130;
    }
    catch (Exception error) when (error is GitException or EventStoreException or InvalidNameException)
    {
        await Console.Error.WriteLineAsync(error.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();

static async Task RunAsync(string directory, string address, int writers, int interval, CancellationToken cancellationToken)
{
    var repository = await GitRepository.FindAsync(directory, cancellationToken);
    if (repository.CommitCount == 0)
    {
        AnsiConsole.WriteLine($"The repository '{repository.Name}' has no commits yet, so there is nothing to store.");
        return;
    }

    var projection = new Projection(repository.Name);

    await using var store = await Wireup.Init()
        .UsingPersistence(address, engines => engines.AddFileSystem().AddSqlite().AddPostgres().AddRedis().AddMongo())
        .InitializeStorageEngine()
        .UsingJsonSerialization(GitJson.Default, types => types
            .Register<FileAdded>("file-added")
            .Register<FileChanged>("file-changed")
            .Register<FileRenamed>("file-renamed")
            .Register<FileDeleted>("file-deleted")
            .Register<FileState>("file-state"))
        .UsingAsynchronousDispatchScheduler()
        .DispatchTo(projection)
        .Startup(DispatchStartup.Explicit)
        .BuildAsync(cancellationToken);

    var report = new Report(AnsiConsole.Console);
    var description = store.Describe();
    report.Opening(repository, description);

    await projection.CatchUpAsync(store, cancellationToken);
    await store.Dispatch.StartAsync(cancellationToken);

    report.Imported("Import", await ImportAsync("Import", repository, store, writers, cancellationToken));
    if (description.Engine.Durability.Level == Durability.Volatile)
        report.Imported("Again", await ImportAsync("Again", repository, store, writers, cancellationToken));

    var snapshots = await SnapshotKeeper.TakeDueAsync(store, repository.Name, interval, cancellationToken);
    report.SnapshotsTaken(snapshots, interval);
    await AnswerAsync(store, repository.Name, projection, report, cancellationToken);
}

// From here on nothing is remembered of the import: every answer is read from the store.
static async Task AnswerAsync(IEventStore store, string bucket, Projection projection, Report report, CancellationToken cancellationToken)
{
    var tally = await Tally.ReplayAsync(store, bucket, cancellationToken);
    if (tally.Events == 0) return;
    report.MostChangedFiles(tally);
    report.Authors(tally);
    report.Activity(tally);

    var (path, replayed) = Report.MostChanged(tally).First();
    var stream = Streams.Of(bucket, path);
    var (snapshot, opened) = await store.OpenFromSnapshotAsync(stream, cancellationToken: cancellationToken);
    var now = opened.CommittedEvents.Select(committed => committed.Body).OfType<IFileEvent>()
        .Aggregate(snapshot?.State as FileState ?? FileState.Unborn, (state, happened) => state.Apply(happened));
    report.History(opened, snapshot, now, replayed);

    var status = await Projection.WaitAsync(store, TimeSpan.FromSeconds(30), cancellationToken);
    report.Dispatch(projection, tally, status);
}

static Task<ImportResult> ImportAsync(
    string name, GitRepository repository, IEventStore store, int writers, CancellationToken cancellationToken) =>
    AnsiConsole.Progress()
        .AutoClear(true)
        .Columns(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
        .StartAsync(progress =>
        {
            var task = progress.AddTask(name, maxValue: repository.CommitCount);
            return new Import(store, repository, writers).RunAsync(
                (gitCommits, events) =>
                {
                    task.Value = gitCommits;
                    task.Description = $"{name}: {Words.Full(events)} events";
                },
                cancellationToken);
        });

static Option<int> Number(string name, string description, int otherwise)
{
    var option = new Option<int>(name) { Description = description, HelpName = "number", DefaultValueFactory = _ => otherwise };
    option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() is < 1 or > 10_000) result.AddError($"{name} must be between 1 and 10,000.");
    });
    return option;
}
