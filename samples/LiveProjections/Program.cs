using System.CommandLine;
using EventStore;
using GitHistory;
using LiveProjections;
using Spectre.Console;

var path = new Argument<string>("path") { Description = "A directory in the repository to read.", DefaultValueFactory = _ => "." };
var name = new Argument<string>("name") { Description = "The projection to follow with." };
var store = new Option<string>("--store")
{
    Description = "Where to store: file:directory, sqlite:file or postgres:connection string.",
    HelpName = "address",
    Recursive = true,
    DefaultValueFactory = _ => "file:artifacts/live-projections/store",
};
var folder = new Option<DirectoryInfo>("--projections")
{
    Description = "Where the followers keep their states.",
    DefaultValueFactory = _ => new("artifacts/live-projections"),
};
var kills = new Option<int>("--kills") { Description = "How often one follower is killed at least.", DefaultValueFactory = _ => 5 };
var consumers = new Option<string>("--consumers") { Description = "Where a follower keeps its state.", Required = true };
if (Console.IsOutputRedirected)
{
    AnsiConsole.Console = AnsiConsole.Create(new()
    {
        Ansi = AnsiSupport.No,
        ColorSystem = ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
    });
}

const string Purpose = "Imports the history of a git repository while two other processes follow it with exactly-once projections, "
    + "one of them killed again and again.";
var root = new RootCommand(Purpose) { path, store, folder, kills };
root.SetAction((parsed, cancellationToken) => WithErrorsPrintedAsync(async () =>
{
    using var show = Show.Start(parsed.GetValue(path)!, parsed.GetValue(store)!, parsed.GetValue(folder)!, parsed.GetValue(kills));
    return await show.RunAsync(AnsiConsole.Console, cancellationToken) ? 0 : 1;
}));

var import = new Command("import", "What the importing process does.") { path };
import.Hidden = true;
import.SetAction((parsed, cancellationToken) => WithErrorsPrintedAsync(async () =>
{
    await Roles.ImportAsync(parsed.GetValue(path)!, parsed.GetValue(store)!, cancellationToken);
    return 0;
}));
root.Subcommands.Add(import);

var follow = new Command("follow", "What a following process does.") { name, consumers };
follow.Hidden = true;
follow.SetAction((parsed, cancellationToken) => WithErrorsPrintedAsync(async () =>
{
    await Roles.FollowAsync(parsed.GetValue(name)!, parsed.GetValue(store)!, parsed.GetValue(consumers)!, cancellationToken);
    return 0;
}));
root.Subcommands.Add(follow);
return await root.Parse(args).InvokeAsync();

static async Task<int> WithErrorsPrintedAsync(Func<Task<int>> run)
{
    try
    {
        return await run();
    }
    catch (Exception error) when (error is GitException or EventStoreException or InvalidOperationException)
    {
        await Console.Error.WriteLineAsync(error.Message);
        return 1;
    }
}
