namespace EventStore.FileSystem.Engine;

/// <summary>Gathers events up to a limit; takes at least one, whatever its size.</summary>
internal sealed class Page(PageLimit limit)
{
    private RecordedEvent[] events = new RecordedEvent[Math.Clamp(limit.MaxEvents, 1, 64)];
    private long bytes;

    public int Count { get; private set; }

    public ReadOnlyMemory<RecordedEvent> Events => events.AsMemory(0, Count);

    public bool TryAdd(in RecordedEvent recorded)
    {
        if (Count == limit.MaxEvents || (Count > 0 && bytes >= limit.MaxBytes)) return false;
        if (Count == events.Length) Array.Resize(ref events, Math.Min(limit.MaxEvents, Count * 2));
        bytes += recorded.Record.Body.Length + recorded.Record.Headers.Length;
        events[Count++] = recorded;
        return true;
    }
}
