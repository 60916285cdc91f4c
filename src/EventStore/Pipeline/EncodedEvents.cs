using System.Collections;

namespace EventStore.Pipeline;

/// <summary>
/// The encoded events of one append, in space that is reused after the engine has returned an outcome. If the outcome is unknown, the space
/// is left to the garbage collector, because the engine may still read it.
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
    public void Add(EventMessage message, string type, ReadOnlySpan<byte> written, int bodyLength)
    {
        // Records added before keep the old space when a larger one replaces it.
        if (bytes.Length - used < written.Length) (bytes, used) = (new byte[Math.Max(bytes.Length * 2, written.Length)], 0);
        if (Count == records.Length) Array.Resize(ref records, Count * 2);
        var kept = bytes.AsMemory(used, written.Length);
        written.CopyTo(kept.Span);
        used += written.Length;
        records[Count++] = new EventRecord(message.EventId, type, kept[..bodyLength], kept[bodyLength..], message.Tags);
    }

    /// <summary>Gives the space back. Call it once, after the engine has returned an outcome.</summary>
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
