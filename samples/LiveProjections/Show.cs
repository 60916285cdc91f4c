using System.Security.Cryptography;
using System.Text;
using Spectre.Console;

namespace LiveProjections;

/// <summary>
/// Runs the show: a process that imports, two that follow it, one of which is killed and started again and again; and at the end compares
/// what both made of the events with a fold of the log.
/// </summary>
internal sealed class Show : IDisposable
{
    private const string Steady = "authors";
    private const string Struck = "months";
    private readonly string address;
    private readonly DirectoryInfo folder;
    private readonly int kills;
    private readonly Child import;
    private readonly Child steady;
    private Child struck;
    private int killed;

    private Show(string path, string address, DirectoryInfo folder, int kills)
    {
        (this.address, this.folder, this.kills) = (address, folder, kills);
        import = new Child("import", path, "--store", address);
        (steady, struck) = (Follow(Steady), Follow(Struck));
    }

    /// <summary>Starts the processes.</summary>
    public static Show Start(string path, string address, DirectoryInfo folder, int kills)
    {
        folder.Create();
        return new Show(path, address, folder, kills);
    }

    /// <summary>Returns whether both states equal the fold of the log.</summary>
    public async Task<bool> RunAsync(IAnsiConsole console, CancellationToken cancellationToken)
    {
        if (console.Profile.Capabilities.Interactive)
        {
            await console.Live(Picture())
                .StartAsync(live => WhileAsync(KillAndEndAsync(cancellationToken), () => live.UpdateTarget(Picture())));
        }
        else await KillAndEndAsync(cancellationToken);
        console.Write(Picture());
        return await CompareAsync(console, cancellationToken);
    }

    public void Dispose()
    {
        foreach (var child in (Child[])[import, steady, struck]) child.Dispose();
    }

    private async Task KillAndEndAsync(CancellationToken cancellationToken)
    {
        while (!import.Reading.IsCompleted || killed < kills)
        {
            await Task.Delay(Random.Shared.Next(200, 1_000), cancellationToken);
            await struck.KillAsync();
            killed++;
            struck.Dispose();
            struck = Follow(Struck);
        }

        await import.EndAsync(cancellationToken);
        await Task.WhenAll(steady.EndAsync(cancellationToken), struck.EndAsync(cancellationToken));
    }

    private async Task<bool> CompareAsync(IAnsiConsole console, CancellationToken cancellationToken)
    {
        await using var store = await Stores.OpenToReadAsync(address, "memory:", cancellationToken);
        var areEqual = true;
        foreach (var (name, follower) in ((string, Child)[])[(Steady, steady), (Struck, struck)])
        {
            var fold = await Totals.FoldAsync(store, name, cancellationToken);
            var isEqual = fold.ToJson() == follower.State;
            areEqual &= isEqual;
            console.WriteLine(
                $"{name}: {fold.Changes:N0} changes, {fold.ChangesBy.Count:N0} {name}; "
                + $"its state {(isEqual ? "equals" : "DIFFERS FROM")} the fold of the log.");
        }

        return areEqual;
    }

    // States belong to the store that they were made of.
    private string StoreKey => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(address)))[..8];

    private Child Follow(string name) =>
        new("follow", name, "--store", address, "--consumers", $"sqlite:{Path.Combine(folder.FullName, $"{name}-{StoreKey}.db")}");

    private Table Picture() => new Table().Border(TableBorder.Rounded)
        .AddColumn("process").AddColumn(new TableColumn("events").RightAligned()).AddColumn(new TableColumn("killed").RightAligned())
        .AddRow("import", $"{import.Position:N0}", "")
        .AddRow($"follows: {Steady}", $"{steady.Position:N0}", "")
        .AddRow($"follows: {Struck}", $"{struck.Position:N0}", $"{killed} times");

    private static async Task WhileAsync(Task running, Action show)
    {
        while (!running.IsCompleted)
        {
            show();
            await Task.WhenAny(running, Task.Delay(100));
        }

        await running;
    }
}
