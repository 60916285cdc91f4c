namespace EventStore.FileSystem.Index;

/// <summary>When parts of the index are written and merged.</summary>
/// <param name="FreezeEntries">Entries held in memory before they become a run.</param>
/// <param name="FreezeBytes">Bytes of log held in memory's index before they become a run.</param>
/// <param name="MergeCount">Runs of one level that become one of the next.</param>
internal sealed record IndexSettings(int FreezeEntries, long FreezeBytes, int MergeCount)
{
    public static IndexSettings Default { get; } = new(65_536, 16 << 20, 8);
}
