using EventStore.TestSummary;
using Spectre.Console;

// Prints what became of each suite that standard input names, then the closing line. Ends with 0 if tests passed and none failed.
// A test that did not run counts as skipped, so that nothing that was not run looks like nothing that there is.
var suites = new List<Suite>();
while (await Console.In.ReadLineAsync() is { Length: > 0 } order) suites.Add(await Suite.ReadAsync(order, args[0]));

AnsiConsole.Profile.Width = int.MaxValue;
var table = new Table().Border(TableBorder.Simple).AddColumn("suite");
foreach (var heading in (string[])["passed", "failed", "skipped", "not run", "seconds"])
    table.AddColumn(new TableColumn(heading).RightAligned());
foreach (var suite in suites)
{
    var seconds = suite.Time is { } time ? $"{time.TotalSeconds:0}" : "";
    table.AddRow(suite.Name, $"{suite.Passed}", $"{suite.Failed}", $"{suite.Skipped}", $"{suite.NotRun}", seconds);
}

AnsiConsole.Write(table);
foreach (var suite in suites)
{
    foreach (var remark in suite.Remarks) Console.WriteLine($"{suite.Name}: {remark}");
}

var (passed, failed, skipped) = (
    suites.Sum(suite => suite.Passed),
    suites.Sum(suite => suite.Failed),
    suites.Sum(suite => suite.Skipped + suite.NotRun));
Console.WriteLine($"\n{passed} passed, {failed} failed, {skipped} skipped");
return failed == 0 && passed > 0 ? 0 : 1;
