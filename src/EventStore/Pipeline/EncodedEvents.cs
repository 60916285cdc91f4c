using System.Collections;

namespace EventStore.Pipeline;

/// <summary>
/// The events of one append as an engine takes them, in space that is used again once the engine has answered. Whoever cannot tell whether it
/// has leaves the space to the collector: an engine may still read what it was handed.
/// </summary>
internal sealed class EncodedEvents : IReadOnlyList<EventRecord>
{
    private const int MaxIdleEvents = 1024;
    private const int MaxIdleBytes = 1 << 20;
    private const int FirstBytes = 1024;

    [ThreadStatic]
    private static EncodedEvents? idle;

    private EventRecord[] records = new EventRecord[4];
    private byte[] bytes = new byte[FirstBytes];
    private int used;

    private EncodedEvents()
    {
    }

    public int Count { get; private set; }

    public EventRecord this[int index] => records.AsSpan(0, Count)[index];

    public static EncodedEvents Take()
    {
        var taken = idle ?? new EncodedEvents();
        idle = null;
        return taken;
    }

    /// <summary>Adds an event whose body and headers were written one after the other.</summary>
    public void Add(Guid eventId, string type, ReadOnlySpan<byte> written, int bodyLength)
    {
        // Records before keep the old space when it is replaced by more.
        if (bytes.Length - used < written.Length) (bytes, used) = (new byte[Math.Max(bytes.Length * 2, written.Length)], 0);
        if (Count == records.Length) Array.Resize(ref records, Count * 2);
        var kept = bytes.AsMemory(used, written.Length);
        written.CopyTo(kept.Span);
        used += written.Length;
        records[Count++] = new EventRecord(eventId, type, kept[..bodyLength], kept[bodyLength..]);
    }

    /// <summary>Gives the space back. Only once the engine has answered, and only once.</summary>
    public void Release()
    {
        if (Count > MaxIdleEvents || bytes.Length > MaxIdleBytes) return;
        Array.Clear(records, 0, Count);
        (Count, used) = (0, 0);
        idle = this;
    }

    public IEnumerator<EventRecord> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return records[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
