namespace EventStore.Sqlite;

/// <summary>The hold of an import, stored beside the counters, where a writer reads it with them.</summary>
internal static class SqliteHold
{
    /// <summary>Stores who holds the storage.</summary>
    /// <exception cref="StorageHeldException">Another import holds it.</exception>
    public static void Take(SqliteSession session, string holder)
    {
        RequireFree(session, holder);
        Store(session, holder);
    }

    public static void Release(SqliteSession session, string holder)
    {
        if (RequireFree(session, holder).Holder.Length > 0) Store(session, "");
    }

    /// <summary>Passes over checkpoints, by raising the floor.</summary>
    public static void Skip(SqliteSession session, string? holder, long upTo)
    {
        var store = session.ReadStore();
        if (holder is null || store.Holder != holder)
            throw new InvalidOperationException("Checkpoints are skipped only while the storage is held by this engine. Call HoldAsync.");
        if (upTo <= store.Newest) return;
        session.Prepare("raise-floor").Bind(1, upTo).Bind(2, store.StampMicroseconds).Bind(3, 0).Execute();
        session.BeginEra();
    }

    private static SqliteCounters RequireFree(SqliteSession session, string holder)
    {
        var store = session.ReadStore();
        return store.Holder.Length == 0 || store.Holder == holder ? store : throw new StorageHeldException(store.Holder);
    }

    private static void Store(SqliteSession session, string holder)
    {
        session.Prepare("update-holder").Bind(1, holder).Execute();
        session.BeginEra();
    }
}
