using EventStore;
using Spectre.Console;

namespace GitHistory;

/// <summary>Puts what was done and found on the terminal.</summary>
internal sealed class Report(IAnsiConsole console)
{
    private const int MaxWidth = 120;
    private const int Rows = 10;

    private int Width => Math.Clamp(console.Profile.Width, 60, MaxWidth);

    public void Opening(GitRepository repository, StoreDescription store)
    {
        Title($"{repository.Name}, {Words.Count(repository.CommitCount, "commit")}{(repository.IsShallow ? " of a shallow clone" : "")}");
        var engine = store.Engine;
        var grid = Pairs(
            ("engine", $"{engine.Name} at {engine.Address}"),
            ("durability", $"{engine.Durability.Level}: {engine.Durability.Basis}"),
            ("serializer", store.Serializer),
            ("dispatch", store.Dispatch),
            ("snapshots", store.SnapshotsKept is { } kept ? $"the newest {kept} of a stream are kept" : "all are kept"));
        foreach (var warning in engine.Durability.Warnings) grid.AddRow(new Text("warning", Color.Yellow), new Text(warning, Color.Yellow));
        console.Write(new Panel(grid).Header(" the store ").RoundedBorder().BorderColor(Color.Grey));
    }

    public void Imported(string name, ImportResult import)
    {
        console.Write(new Text($"{name}: ", new Style(Color.Green, decoration: Decoration.Bold)));
        console.WriteLine(
            $"{Words.Full(import.Stored)} stored, {Words.Full(import.AlreadyThere)} already there, "
            + $"in {Words.Duration(import.Elapsed)}: {Words.Full((long)import.CommitsPerSecond)} commits/s");
        console.WriteLine(
            $"        {Words.Duration(import.PerCommit)} for each; the writers waited for work {1 - import.ShareInStore:0%} of their time",
            new Style(Color.Grey));
        if (import.Refused.Count == 0) return;
        var refused = Pairs();
        foreach (var (path, reason) in import.Refused.Take(Rows))
            refused.AddRow(new Text("        refused", Color.Yellow), new Text($"{Words.Fit(path, 30, keepEnd: true)}: {reason}"));
        var more = import.Refused.Count - Rows;
        if (more > 0) refused.AddRow(new Text("        refused", Color.Yellow), new Text($"… and {Words.Count(more, "more file")}"));
        console.Write(refused);
    }

    public void SnapshotsTaken(int snapshots, int interval) => console.WriteLine(snapshots == 0
        ? $"No snapshot taken: no file has {Words.Count(interval, "event")} since its last one"
        : $"{Words.Count(snapshots, "snapshot")} taken: "
            + $"one for each file with {Words.Count(interval, "event")} or more since its last one");

    public void MostChangedFiles(Tally tally)
    {
        Title("Most changed files");
        var table = Columns(("file", false), ("changes", true), ("+ lines", true), ("− lines", true), ("last change", true));
        foreach (var (path, file) in MostChanged(tally).Take(Rows))
        {
            table.AddRow(
                new Text(Words.Fit(path, Width - 52, keepEnd: true)),
                new Text(Words.Full(file.Changes), Color.Aqua),
                new Text(Words.Full(file.Added), Color.Green),
                new Text(Words.Full(file.Removed), Color.Red),
                new Text($"{file.Last:yyyy-MM-dd}", Color.Grey));
        }

        console.Write(table);
    }

    public void Authors(Tally tally)
    {
        Title($"Authors: {Words.Full(tally.Authors.Count)}, by changes of files");
        var chart = new BarChart().Width(Width - 2).UseValueFormatter(changes => Words.Full((long)changes));
        var byChanges = tally.Authors.OrderByDescending(author => author.Value).ThenBy(author => author.Key, StringComparer.Ordinal);
        foreach (var (author, changes) in byChanges.Take(Rows))
            chart.AddItem(Markup.Escape(Words.Fit(author, 24)), changes, Color.Aqua);
        console.Write(chart);
    }

    public void Activity(Tally tally)
    {
        var (unit, chart) = ActivityChart.Draw(tally.Days, Width - 2);
        Title($"Activity: changes of files by {unit}");
        console.Write(chart);
    }

    /// <summary>Shows a file as its newest snapshot and the events that came after it.</summary>
    public void History(IEventStream opened, Snapshot? snapshot, FileState now, FileState replayed)
    {
        Title($"The history of {Words.Fit(opened.Stream.Id, Width - 20, keepEnd: true)}");
        console.WriteLine(snapshot is null
            ? $"It has no snapshot yet, so it was read from its first event: {Words.Count(opened.CommittedEvents.Count, "event")}."
            : $"Opened from the snapshot at revision {snapshot.Revision}: "
                + $"{opened.CommittedEvents.Count} of its {opened.Revision} events were read.");
        console.WriteLine(
            $"{Words.Count(now.Changes, "change")} from {now.First:yyyy-MM-dd} to {now.Last:yyyy-MM-dd}, "
            + $"{Words.Count(now.Added, "line")} added, {Words.Full(now.Removed)} removed: "
            + (now == replayed ? "as the replay of all its events says." : "which is NOT what the replay of all its events says."));

        List<CommittedEvent> latest = [.. opened.CommittedEvents.Where(committed => committed.Body is IFileEvent).TakeLast(Rows)];
        if (latest.Count == 0) return;
        var table = Columns(("revision", true), ("day", false), ("author", false), ("what", false), ("subject", false));
        var room = Width - 48 - latest.Max(committed => What((IFileEvent)committed.Body).Length);
        foreach (var committed in latest)
        {
            var happened = (IFileEvent)committed.Body;
            table.AddRow(
                new Text(committed.Revision.ToString(), Color.Grey),
                new Text($"{happened.Change.When:yyyy-MM-dd}"),
                new Text(Words.Fit(happened.Change.Author, 14)),
                new Text(What(happened), ColorOf(happened)),
                new Text(Words.Fit(happened.Change.Subject, room)));
        }

        console.Write(table);
    }

    public void Dispatch(Projection projection, Tally replay, DispatchStatus status)
    {
        Title("What dispatch counted, and what a replay counts");
        var counted = projection.Tally;
        var table = Columns(("", false), ("dispatch", true), ("replay", true), ("", false));
        Compare("events", counted.Events, replay.Events);
        Compare("files", counted.Files.Count, replay.Files.Count);
        Compare("authors", counted.Authors.Count, replay.Authors.Count);
        Compare("lines added", counted.Added, replay.Added);
        Compare("lines removed", counted.Removed, replay.Removed);
        console.Write(table);

        console.WriteLine(
            counted.SaysTheSameAs(replay) ? $"Equal, file by file. {Words.Count(projection.Dispatched, "event")} came by dispatch, "
                + $"{Words.Full(counted.Events - projection.Dispatched)} were stored before."
            : status is { Backlog: > 0, IsDispatchingHere: false } ? "Not equal: another process dispatches, and "
                + $"{Words.Count(status.Backlog, "event")} are still to come."
            : status.Backlog > 0 ? $"Not equal: {Words.Count(status.Backlog, "event")} were still to be dispatched when the wait was over."
            : status.IsDispatchingHere ? "NOT EQUAL, although nothing is left to dispatch."
            : "Not equal: another process dispatched some of the events.");

        void Compare(string what, long dispatched, long replayed) => table.AddRow(
            new Text(what), new Text(Words.Full(dispatched)), new Text(Words.Full(replayed)),
            dispatched == replayed ? new Text("✓", Color.Green) : new Text("✗", Color.Red));
    }

    public static IEnumerable<KeyValuePair<string, FileState>> MostChanged(Tally tally) =>
        tally.Files.OrderByDescending(file => file.Value.Changes).ThenBy(file => file.Key, StringComparer.Ordinal);

    private static string What(IFileEvent happened) => happened switch
    {
        FileDeleted => "deleted",
        FileRenamed => "renamed",
        FileAdded => $"added {Lines(happened.Change)}",
        _ => Lines(happened.Change),
    };

    private static Color ColorOf(IFileEvent happened) => happened switch
    {
        FileAdded => Color.Green,
        FileDeleted => Color.Red,
        FileRenamed => Color.Yellow,
        _ => Color.Default,
    };

    private static string Lines(Change change) => change is { Added: { } added, Removed: { } removed } ? $"+{added} −{removed}" : "binary";

    private static Table Columns(params (string Name, bool IsNumber)[] columns)
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var (name, isNumber) in columns)
        {
            var title = new Text(name, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(title) { NoWrap = true, Alignment = isNumber ? Justify.Right : Justify.Left });
        }

        return table;
    }

    private static Grid Pairs(params (string Name, string Value)[] pairs)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (name, value) in pairs) grid.AddRow(new Text(name, Color.Grey), new Text(value));
        return grid;
    }

    private void Title(string title)
    {
        console.WriteLine();
        console.Write(new Rule(Markup.Escape(title)) { Justification = Justify.Left, Style = Color.Grey });
    }
}
