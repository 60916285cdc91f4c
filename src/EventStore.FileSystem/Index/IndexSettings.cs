namespace EventStore.FileSystem.Index;

/// <summary>When parts of the index are written and merged.</summary>
/// <param name="FreezeEntries">Entries held in memory before they become a run.</param>
/// <param name="FreezeBytes">Bytes of log held in memory's index before they become a run.</param>
/// <param name="MergeCount">Runs of one level that become one of the next.</param>
/// <param name="InBackground">Runs work beside the writer; tests that replay one schedule run it in place.</param>
internal sealed record IndexSettings(int FreezeEntries, long FreezeBytes, int MergeCount, Func<Action, Task> InBackground)
{
    public static IndexSettings Default { get; } = new(131_072, 32 << 20, 8, Task.Run);
}
